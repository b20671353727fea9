with kept as (
    select * from {{ ref('int_usage__kept_events') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'weighted_sum'
),

carried as (
    select * from {{ ref('int_levels__carried') }}
),

run_months as (
    select * from {{ ref('int_charge_months__listed') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
),

ended_levels as (
    select * from {{ ref('int_levels__ended') }}
),

readings as (
    select
        run_months.contract_id,
        run_months.charge_id,
        run_months.run_start_at,
        kept.meter_id,
        kept.customer_id,
        kept.dimension_key,
        kept.event_at as step_at,
        true as is_reading,
        kept.event_at_nanos,
        kept.event_source,
        kept.event_id,
        kept.quantity
    from kept
    inner join meters on kept.meter_id = meters.meter_id
    inner join run_months
        on
            kept.contract_id = run_months.contract_id
            and kept.meter_id = run_months.meter_id
            and {{ month_number('kept.local_date') }} = run_months.usage_month
            and kept.event_at >= run_months.run_start_at
            and kept.event_at < run_months.run_end_at
),

read_levels as (
    select distinct
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key
    from readings
),

carried_levels as (
    select carried.*
    from carried
    inner join meters on carried.meter_id = meters.meter_id
),

-- At a run's start stands the level carried in, or zero before the first reading.
starts as (
    select
        coalesce(read_levels.contract_id, carried_levels.contract_id) as contract_id,
        coalesce(read_levels.charge_id, carried_levels.charge_id) as charge_id,
        coalesce(read_levels.run_start_at, carried_levels.run_start_at) as run_start_at,
        coalesce(read_levels.meter_id, carried_levels.meter_id) as meter_id,
        coalesce(read_levels.customer_id, carried_levels.customer_id) as customer_id,
        coalesce(read_levels.dimension_key, carried_levels.dimension_key)
            as dimension_key,
        coalesce(carried_levels.quantity, {{ zero_quantity() }}) as quantity
    from read_levels
    full outer join carried_levels
        on
            read_levels.contract_id = carried_levels.contract_id
            and read_levels.charge_id = carried_levels.charge_id
            and read_levels.run_start_at = carried_levels.run_start_at
            and read_levels.customer_id = carried_levels.customer_id
            and read_levels.dimension_key = carried_levels.dimension_key
),

steps as (
    select * from readings
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_start_at as step_at,
        false as is_reading,
        cast(null as smallint) as event_at_nanos,
        cast(null as varchar) as event_source,
        cast(null as varchar) as event_id,
        quantity
    from starts
    union all
    -- Where the customer leaves the contract, its level does.
    select
        starts.contract_id,
        starts.charge_id,
        starts.run_start_at,
        starts.meter_id,
        starts.customer_id,
        starts.dimension_key,
        ended_levels.left_at as step_at,
        false as is_reading,
        cast(null as smallint) as event_at_nanos,
        cast(null as varchar) as event_source,
        cast(null as varchar) as event_id,
        {{ zero_quantity() }} as quantity
    from starts
    inner join ended_levels
        on
            starts.contract_id = ended_levels.contract_id
            and starts.charge_id = ended_levels.charge_id
            and starts.run_start_at = ended_levels.run_start_at
            and starts.customer_id = ended_levels.customer_id
),

spans as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        step_at as span_start_at,
        lead(step_at) over (
            partition by
                contract_id,
                charge_id,
                run_start_at,
                meter_id,
                customer_id,
                dimension_key
            order by
                step_at,
                is_reading,
                event_at_nanos,
                event_source,
                event_id
        ) as span_end_at,
        quantity
    from steps
),

final as (
    select
        spans.contract_id,
        spans.charge_id,
        spans.run_start_at,
        spans.meter_id,
        spans.customer_id,
        spans.dimension_key,
        spans.span_start_at,
        coalesce(spans.span_end_at, runs.run_end_at) as span_end_at,
        spans.quantity
    from spans
    inner join runs
        on
            spans.contract_id = runs.contract_id
            and spans.charge_id = runs.charge_id
            and spans.run_start_at = runs.run_start_at
    where spans.span_start_at < coalesce(spans.span_end_at, runs.run_end_at)
)

select * from final
