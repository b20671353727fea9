with metered as (
    select * from {{ ref('int_usage__metered') }}
),

unresolved as (
    select * from {{ ref('int_usage__unresolved') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }} as meters
    where {{ is_sum_of_events('meters') }}
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
    where contract_id is null and meter_id is not null
),

metered_usage as (
    select * from {{ ref('fct_metered_usage') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

exceptions as (
    select * from {{ ref('fct_exceptions') }}
),

retracted as (
    select * from {{ ref('int_retracted_events__metered') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
    where set_aside_reason = 'retracted'
),

-- 3. Quantity of every meter that sums events: metered against resolved and excepted.
metered_quantities as (
    select
        metered.meter_id,
        sum(
            case
                when meters.aggregation = 'count' then metered.event_count
                when
                    {{ is_within_limit('metered.quantity_sum') }}
                    then metered.quantity_sum
                else 0
            end
        ) as quantity
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    group by metered.meter_id
),

resolved_quantities as (
    select
        metered_usage.meter_id,
        sum(metered_usage.quantity) as quantity
    from metered_usage
    inner join meters on metered_usage.meter_id = meters.meter_id
    group by metered_usage.meter_id
),

unresolved_quantities as (
    select
        meter_id,
        sum(quantity) as quantity
    from unresolved
    group by meter_id
),

withdrawn_quantities as (
    select
        retracted.meter_id,
        sum(retracted.quantity) as listed_quantity,
        sum(
            case when set_aside.file_id is not null then retracted.quantity else 0 end
        ) as set_aside_quantity
    from retracted
    left join set_aside
        on
            retracted.ingestion_batch_id = set_aside.ingestion_batch_id
            and retracted.file_id = set_aside.file_id
            and retracted.line_number = set_aside.line_number
    group by retracted.meter_id
),

retracted_quantities as (
    select
        'meter' as scope_kind,
        meters.meter_id as scope_id,
        meters.unit,
        coalesce(withdrawn_quantities.listed_quantity, 0) as left_figure,
        coalesce(withdrawn_quantities.set_aside_quantity, 0) as right_figure
    from meters
    left join withdrawn_quantities on meters.meter_id = withdrawn_quantities.meter_id
),

unique_quantities as (
    select
        'meter' as scope_kind,
        meters.meter_id as scope_id,
        meters.unit,
        coalesce(metered_quantities.quantity, 0)
        + coalesce(withdrawn_quantities.listed_quantity, 0) as left_figure,
        coalesce(resolved_quantities.quantity, 0)
        + coalesce(unresolved_quantities.quantity, 0)
        + coalesce(withdrawn_quantities.set_aside_quantity, 0) as right_figure
    from meters
    left join metered_quantities on meters.meter_id = metered_quantities.meter_id
    left join resolved_quantities on meters.meter_id = resolved_quantities.meter_id
    left join unresolved_quantities on meters.meter_id = unresolved_quantities.meter_id
    left join withdrawn_quantities on meters.meter_id = withdrawn_quantities.meter_id
),

-- 4. Resolved quantity, once per charge in force on its day, against the rated lines.
plan_days as (
    select
        contract_versions.plan_id,
        metered_usage.meter_id,
        metered_usage.local_date,
        sum(metered_usage.quantity) as quantity
    from metered_usage
    inner join meters on metered_usage.meter_id = meters.meter_id
    inner join contract_versions
        on
            metered_usage.contract_id = contract_versions.contract_id
            and metered_usage.contract_version = contract_versions.contract_version
    group by
        contract_versions.plan_id,
        metered_usage.meter_id,
        metered_usage.local_date
),

charged_days as (
    select
        plan_days.plan_id,
        plan_days.meter_id,
        plan_days.local_date,
        min(plan_days.quantity) as quantity,
        greatest(count(charges.charge_id), 1) as charge_count
    from plan_days
    left join charges
        on
            plan_days.plan_id = charges.plan_id
            and plan_days.meter_id = charges.meter_id
            and plan_days.local_date >= charges.effective_from_date
            and (
                charges.effective_to_date is null
                or plan_days.local_date < charges.effective_to_date
            )
    group by
        plan_days.plan_id,
        plan_days.meter_id,
        plan_days.local_date
),

charged_quantities as (
    select
        meter_id,
        sum({{ multiply('quantity', 'charge_count', 9) }}) as quantity
    from charged_days
    group by meter_id
),

rated_quantities as (
    select
        meter_id,
        sum(quantity) as quantity
    from rated_lines
    group by meter_id
),

unpriced_quantities as (
    select
        split_part(object_id, ' ', 2) as meter_id,
        sum(quantity_at_risk) as quantity
    from exceptions
    where exception_code = 'unpriced_usage'
    group by split_part(object_id, ' ', 2)
),

rated_usage as (
    select
        'meter' as scope_kind,
        meters.meter_id as scope_id,
        meters.unit,
        coalesce(charged_quantities.quantity, 0) as left_figure,
        coalesce(rated_quantities.quantity, 0)
        + coalesce(unpriced_quantities.quantity, 0) as right_figure
    from meters
    left join charged_quantities on meters.meter_id = charged_quantities.meter_id
    left join rated_quantities on meters.meter_id = rated_quantities.meter_id
    left join unpriced_quantities on meters.meter_id = unpriced_quantities.meter_id
),

final as (
    {{ conserved_figures('int_quantities__conserved') }}
)

select * from final
