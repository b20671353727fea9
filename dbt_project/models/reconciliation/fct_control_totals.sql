with measures as (
    select * from {{ ref('stg_reference__control_total_measures') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

quiet_days as (
    select * from {{ ref('stg_reference__quiet_days') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

control_totals as (
    select * from {{ ref('int_control_totals__standing') }}
),

arrivals as (
    select * from {{ ref('int_control_totals__arrived') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

settled_days as (
    select
        source_prefix,
        measure,
        usage_date
    from control_totals
    union
    select
        measures.source_prefix,
        measures.measure,
        quiet_days.quiet_date as usage_date
    from measures
    inner join quiet_days on measures.source_prefix = quiet_days.source_prefix
),

announced as (
    select
        measures.*,
        known_until.known_until_at,
        greatest(
            measures.expected_from_date,
            coalesce(
                cast(known_until.known_until_at as date) + 1,
                measures.expected_from_date
            )
        ) as future_from_date
    from measures
    cross join known_until
    where measures.is_expected_daily
),

{{ listed_days(['source_prefix', 'measure']) }},

compared_days as (
    select
        source_prefix,
        measure,
        usage_date
    from dated
    union
    select
        control_totals.source_prefix,
        control_totals.measure,
        control_totals.usage_date
    from control_totals
    inner join measures
        on
            control_totals.source_prefix = measures.source_prefix
            and control_totals.measure = measures.measure
),

{{ first_billing_periods('compared_days') }},

-- A quiet day is a total of nothing, unless its source says otherwise.
joined as (
    select
        compared_days.source_prefix,
        measures.system_id,
        compared_days.usage_date,
        compared_days.measure,
        case
            when compared_days.measure = 'events' then 'events' else meters.unit
        end as unit,
        first_periods.first_billing_period,
        {{ hours_after(
            'cast(compared_days.usage_date + 1 as timestamp)', 'measures.grace_hours'
        ) }} as grace_ends_at,
        known_until.known_until_at,
        case
            when control_totals.quantity is not null then control_totals.quantity
            when quiet_days.quiet_date is not null then cast(0 as decimal(38, 9))
        end as announced_quantity,
        coalesce(arrivals.quantity, cast(0 as decimal(38, 9))) as arrived_quantity,
        case
            when compared_days.measure = 'events'
                then coalesce(arrivals.accepted_count, 0)
        end as accepted_count,
        control_totals.ingestion_batch_id,
        control_totals.file_id,
        control_totals.line_number,
        coalesce(control_totals.replaced_count, 0) as replaced_count
    from compared_days
    inner join measures
        on
            compared_days.source_prefix = measures.source_prefix
            and compared_days.measure = measures.measure
    inner join first_periods on compared_days.usage_date = first_periods.usage_date
    cross join known_until
    left join meters on compared_days.measure = meters.meter_id
    left join control_totals
        on
            compared_days.source_prefix = control_totals.source_prefix
            and compared_days.measure = control_totals.measure
            and compared_days.usage_date = control_totals.usage_date
    left join quiet_days
        on
            compared_days.source_prefix = quiet_days.source_prefix
            and compared_days.usage_date = quiet_days.quiet_date
    left join arrivals
        on
            compared_days.source_prefix = arrivals.source_prefix
            and compared_days.measure = arrivals.measure
            and compared_days.usage_date = arrivals.usage_date
),

final as (
    select
        source_prefix,
        system_id,
        usage_date,
        measure,
        unit,
        first_billing_period,
        grace_ends_at,
        cast(announced_quantity as decimal(38, 9)) as announced_quantity,
        cast(arrived_quantity as decimal(38, 9)) as arrived_quantity,
        cast(arrived_quantity - announced_quantity as decimal(38, 9))
            as variance_quantity,
        cast(accepted_count as bigint) as accepted_count,
        case
            when announced_quantity = arrived_quantity then 'agrees'
            when known_until_at is null or grace_ends_at > known_until_at then 'waits'
            when announced_quantity is null then 'no_total'
            when arrived_quantity < announced_quantity then 'short'
            else 'over'
        end as agreement,
        ingestion_batch_id,
        file_id,
        line_number,
        cast(replaced_count as bigint) as replaced_count
    from joined
)

select * from final
