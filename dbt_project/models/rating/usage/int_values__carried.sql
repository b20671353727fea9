with distinct_values as (
    select * from {{ ref('int_usage__distinct_values') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'unique_count' and carry_in = 'previous'
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

-- Where nothing is ever removed, it does not matter when in its slice a value came.
operations as (
    select
        contracts.contract_lineage_id,
        distinct_values.meter_id,
        distinct_values.customer_id,
        distinct_values.dimension_key,
        distinct_values.distinct_value,
        coalesce(distinct_values.last_operation_at, distinct_values.slice_start_at)
            as step_at,
        distinct_values.last_operation_nanos,
        distinct_values.last_operation_source,
        distinct_values.last_operation_id,
        coalesce(distinct_values.is_last_add, true) as is_active
    from distinct_values
    inner join meters on distinct_values.meter_id = meters.meter_id
    inner join contracts on distinct_values.contract_id = contracts.contract_id
),

held_values as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        distinct_value,
        min(step_at) as first_step_at
    from operations
    group by
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        distinct_value
),

-- An operation at the very start of a run belongs to it. A customer that leaves takes
-- its values along.
steps as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        distinct_value,
        step_at,
        true as is_operation,
        last_operation_nanos,
        last_operation_source,
        last_operation_id,
        is_active,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from operations
    union all
    select
        held_values.contract_lineage_id,
        held_values.meter_id,
        held_values.customer_id,
        held_values.dimension_key,
        held_values.distinct_value,
        departures.left_at as step_at,
        false as is_operation,
        cast(null as smallint) as last_operation_nanos,
        cast(null as varchar) as last_operation_source,
        cast(null as varchar) as last_operation_id,
        false as is_active,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from held_values
    inner join departures
        on
            held_values.contract_lineage_id = departures.contract_lineage_id
            and held_values.customer_id = departures.customer_id
            and held_values.first_step_at < departures.left_at
    union all
    select
        held_values.contract_lineage_id,
        held_values.meter_id,
        held_values.customer_id,
        held_values.dimension_key,
        held_values.distinct_value,
        runs.run_start_at as step_at,
        false as is_operation,
        cast(null as smallint) as last_operation_nanos,
        cast(null as varchar) as last_operation_source,
        cast(null as varchar) as last_operation_id,
        cast(null as boolean) as is_active,
        runs.contract_id,
        runs.charge_id
    from held_values
    inner join runs
        on
            held_values.contract_lineage_id = runs.contract_lineage_id
            and held_values.meter_id = runs.meter_id
            and held_values.first_step_at < runs.run_start_at
),

carried as (
    select
        *,
        last_value(is_active ignore nulls) over (
            partition by
                contract_lineage_id,
                meter_id,
                customer_id,
                dimension_key,
                distinct_value
            order by
                step_at,
                is_operation,
                contract_id is not null,
                last_operation_nanos,
                last_operation_source,
                last_operation_id
        ) as is_held
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
        distinct_value
    from carried
    where contract_id is not null and is_held
)

select * from final
