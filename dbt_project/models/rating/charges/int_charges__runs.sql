with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

timed as (
    select * from {{ ref('int_charges__timed') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

runs as (
    select
        segments.contract_id,
        segments.contract_lineage_id,
        segments.charge_id,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.run_number,
        min(segments.cell_start_at) as cell_start_at,
        min(segments.cell_end_at) as cell_end_at,
        min(segments.contract_customer_id) as contract_customer_id,
        min(segments.currency_code) as currency_code,
        min(segments.time_zone) as time_zone,
        min(segments.children) as children,
        min(segments.charge_price_id) as charge_price_id,
        bool_or(segments.is_override) as is_override,
        min(segments.service_start_at) as run_start_at,
        max(segments.service_end_at) as run_end_at,
        min(segments.segment_start_date) as run_start_date,
        max(segments.segment_end_date) as run_end_date,
        count(*) as segment_count,
        min(timed.time_unit) as time_unit,
        sum(timed.time_units) as time_units,
        min(timed.cell_units) as cell_units,
        sum(timed.level_units) as level_units,
        min(timed.meter_units) as meter_units,
        min(segments.reference_version) as reference_version
    from segments
    inner join timed
        on
            segments.contract_id = timed.contract_id
            and segments.charge_id = timed.charge_id
            and segments.service_start_at = timed.service_start_at
    group by
        segments.contract_id,
        segments.contract_lineage_id,
        segments.charge_id,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.run_number
),

described as (
    select
        runs.*,
        known_until.known_until_at,
        charges.charge_model,
        charges.meter_id,
        charges.proration,
        charges.ladder,
        charges.billing_timing,
        min(runs.run_start_date) over cell_runs as active_from_date,
        min(runs.run_start_at) over cell_runs as active_from_at,
        case when charges.charge_model = 'flat' then 'fee' else 'usage' end
            as line_kind,
        coalesce(
            {{ is_additive('meters.aggregation', 'meters.window_aggregation') }}, false
        ) as is_additive,
        coalesce(meters.is_negative_allowed, false) as is_negative_allowed
    from runs
    cross join known_until
    inner join charges on runs.charge_price_id = charges.charge_price_id
    left join meters on charges.meter_id = meters.meter_id
    window cell_runs as (
        partition by runs.contract_id, runs.charge_id, runs.cell_start_date
    )
),

-- An advance fee is due when its first day begins. Fees share the full cell, levels the
-- time in which their meter is priced at all.
final as (
    select
        contract_id,
        contract_lineage_id,
        contract_customer_id,
        currency_code,
        time_zone,
        charge_id,
        charge_model,
        charge_price_id,
        is_override,
        line_kind,
        meter_id,
        is_additive,
        is_additive and ladder = 'continue' as is_continued,
        coalesce(children = 'pooled', false) and meter_id is not null as is_pooled,
        is_negative_allowed,
        billing_timing,
        {{ billing_period('billing_timing', 'active_from_date', 'cell_end_date')
            | indent(8) }} as billing_period,
        {{ is_due(
            'billing_timing', 'active_from_at', 'cell_end_at', 'known_until_at'
        ) | indent(8) }} as is_due,
        cell_start_date,
        cell_end_date,
        cell_start_at,
        cell_end_at,
        run_number,
        run_start_at,
        run_end_at,
        run_start_date,
        run_end_date,
        cast(segment_count as integer) as segment_count,
        cast(time_units as bigint) as time_units,
        cast(cell_units as bigint) as cell_units,
        cast(
            case
                when charge_model = 'flat' then time_units
                when is_additive then 1
                else level_units
            end as bigint
        ) as share_units,
        cast(
            case
                when charge_model = 'flat' then cell_units
                when is_additive then 1
                else greatest(meter_units, 1)
            end as bigint
        ) as share_of_units,
        case
            when is_additive then 'days'
            when charge_model = 'flat' then time_unit
            when proration = 'second' then 'seconds'
            else 'days'
        end as share_unit,
        reference_version
    from described
)

select * from final
