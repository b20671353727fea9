with merged as (
    select * from {{ ref('int_usage__merged') }}
),

combined as (
    select * from {{ ref('int_usage__windows_combined') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

-- Plain figures of a run, or of a month without a charge.
counted as (
    select
        merged.*,
        meters.aggregation,
        meters.empty_windows,
        {{ is_refined('meters') }} as is_refined
    from merged
    inner join meters on merged.meter_id = meters.meter_id
),

used as (
    select
        counted.contract_id,
        counted.customer_id,
        counted.meter_id,
        counted.dimension_key,
        counted.charge_id,
        counted.cell_start_date,
        counted.run_start_at,
        counted.unpriced_month,
        counted.first_usage_date,
        counted.event_count,
        counted.unvalued_event_count,
        counted.negative_event_count,
        case
            when counted.charge_id is null or not counted.is_refined
                then {{ counted_quantity('counted.aggregation', 'counted.')
                    | indent(16) }}
            when combined.contract_id is not null then combined.quantity
            when
                counted.empty_windows = 'zero'
                or counted.aggregation
                in ('count', 'sum', 'unique_count', 'weighted_sum')
                then {{ zero_quantity() }}
        end as quantity,
        case
            when counted.charge_id is not null and counted.is_refined
                then coalesce(combined.is_beyond_limit, false)
            else
                counted.aggregation in ('sum', 'avg') and counted.is_beyond_limit
        end as is_beyond_limit,
        counted.digest_sum_1,
        counted.digest_sum_2,
        counted.first_event_at,
        counted.last_event_at
    from counted
    left join combined
        on
            counted.contract_id = combined.contract_id
            and counted.charge_id = combined.charge_id
            and counted.run_start_at = combined.run_start_at
            and counted.customer_id = combined.customer_id
            and counted.dimension_key = combined.dimension_key
),

-- Levels that were carried into a run without events of its own.
carried as (
    select
        combined.contract_id,
        combined.customer_id,
        combined.meter_id,
        combined.dimension_key,
        combined.charge_id,
        combined.cell_start_date,
        combined.run_start_at,
        combined.quantity,
        combined.is_beyond_limit
    from combined
    inner join meters on combined.meter_id = meters.meter_id
    anti join merged
        on
            combined.contract_id = merged.contract_id
            and combined.charge_id = merged.charge_id
            and combined.run_start_at = merged.run_start_at
            and combined.customer_id = merged.customer_id
            and combined.dimension_key = merged.dimension_key
    where
        meters.aggregation = 'latest'
        or combined.quantity <> 0
        or combined.is_beyond_limit
),

final as (
    select * from used
    union all
    select
        contract_id,
        customer_id,
        meter_id,
        dimension_key,
        charge_id,
        cell_start_date,
        run_start_at,
        cast(null as date) as unpriced_month,
        cast(null as date) as first_usage_date,
        cast(0 as bigint) as event_count,
        cast(0 as bigint) as unvalued_event_count,
        cast(0 as bigint) as negative_event_count,
        quantity,
        is_beyond_limit,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from carried
)

select * from final
