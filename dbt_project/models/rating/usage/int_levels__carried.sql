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

-- A reading at the very start of a run belongs to it.
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
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from readings
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
        last_value(quantity ignore nulls) over (
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
        ) as level_quantity
    from steps
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
    where not is_reading
)

select * from final
