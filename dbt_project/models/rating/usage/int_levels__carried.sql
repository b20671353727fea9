with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null and latest_event_at is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation in ('latest', 'weighted_sum') and carry_in = 'previous'
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
),

departures as (
    select * from {{ ref('int_customers__left') }}
),

readings as (
    select
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.customer_id,
        metered.dimension_key,
        metered.latest_event_at,
        metered.latest_event_nanos,
        metered.latest_event_source,
        metered.latest_event_id,
        metered.latest_quantity
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    inner join contracts on metered.contract_id = contracts.contract_id
),

levels as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        min(latest_event_at) as first_reading_at
    from readings
    group by
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key
),

-- A reading at the very start of a run belongs to it. A customer that leaves takes
-- its levels along.
steps as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        latest_event_at as step_at,
        true as is_reading,
        latest_event_nanos,
        latest_event_source,
        latest_event_id,
        latest_quantity as quantity,
        latest_event_at as read_at,
        cast(null as timestamp) as left_at,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from readings
    union all
    select
        levels.contract_lineage_id,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        departures.left_at as step_at,
        false as is_reading,
        cast(null as smallint) as latest_event_nanos,
        cast(null as varchar) as latest_event_source,
        cast(null as varchar) as latest_event_id,
        cast(null as decimal(38, 9)) as quantity,
        cast(null as timestamp) as read_at,
        departures.left_at,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from levels
    inner join departures
        on
            levels.contract_lineage_id = departures.contract_lineage_id
            and levels.customer_id = departures.customer_id
    union all
    select
        levels.contract_lineage_id,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        runs.run_start_at as step_at,
        false as is_reading,
        cast(null as smallint) as latest_event_nanos,
        cast(null as varchar) as latest_event_source,
        cast(null as varchar) as latest_event_id,
        cast(null as decimal(38, 9)) as quantity,
        cast(null as timestamp) as read_at,
        cast(null as timestamp) as left_at,
        runs.contract_id,
        runs.charge_id
    from levels
    inner join runs
        on
            levels.contract_lineage_id = runs.contract_lineage_id
            and levels.meter_id = runs.meter_id
            and levels.first_reading_at < runs.run_start_at
),

carried as (
    select
        *,
        last_value(quantity ignore nulls) over so_far as level_quantity,
        max(read_at) over so_far as last_read_at,
        max(left_at) over so_far as last_left_at
    from steps
    window so_far as (
        partition by
            contract_lineage_id,
            meter_id,
            customer_id,
            dimension_key
        order by
            step_at,
            is_reading,
            latest_event_nanos,
            latest_event_source,
            latest_event_id
    )
),

final as (
    select
        contract_id,
        charge_id,
        step_at as run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        level_quantity as quantity
    from carried
    where contract_id is not null and coalesce(last_left_at <= last_read_at, true)
)

select * from final
