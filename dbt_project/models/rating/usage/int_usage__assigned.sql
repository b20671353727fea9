{{ config(materialized='view') }}

with merged as (
    select * from {{ ref('int_usage__merged') }}
),

merged_of_runs as (
    select * from {{ ref('int_usage__merged') }}
    where charge_id is not null
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
        merged.contract_id,
        merged.customer_id,
        merged.meter_id,
        merged.dimension_key,
        merged.charge_id,
        merged.cell_start_date,
        merged.run_start_at,
        merged.unpriced_month,
        merged.first_usage_date,
        merged.event_count,
        merged.unvalued_event_count,
        merged.negative_event_count,
        {{ counted_quantity('meters.aggregation', 'merged.') | indent(8) }} as quantity,
        meters.aggregation in ('sum', 'avg') and merged.is_beyond_limit
            as is_beyond_limit,
        merged.digest_sum_1,
        merged.digest_sum_2,
        merged.first_event_at,
        merged.last_event_at
    from merged
    inner join meters on merged.meter_id = meters.meter_id
    where merged.charge_id is null or not {{ is_refined('meters') }}
),

used as (
    select
        merged_of_runs.*,
        meters.aggregation,
        meters.empty_windows
    from merged_of_runs
    inner join meters on merged_of_runs.meter_id = meters.meter_id
    where {{ is_refined('meters') }}
),

-- What windows, values and levels make of a run: of one with events, or of a level that
-- was carried into one without events of its own.
refined as (
    select
        coalesce(used.contract_id, combined.contract_id) as contract_id,
        coalesce(used.customer_id, combined.customer_id) as customer_id,
        coalesce(used.meter_id, combined.meter_id) as meter_id,
        coalesce(used.dimension_key, combined.dimension_key) as dimension_key,
        coalesce(used.charge_id, combined.charge_id) as charge_id,
        coalesce(used.cell_start_date, combined.cell_start_date) as cell_start_date,
        coalesce(used.run_start_at, combined.run_start_at) as run_start_at,
        used.unpriced_month,
        used.first_usage_date,
        coalesce(used.event_count, 0) as event_count,
        coalesce(used.unvalued_event_count, 0) as unvalued_event_count,
        coalesce(used.negative_event_count, 0) as negative_event_count,
        case
            when combined.contract_id is not null then combined.quantity
            when
                used.empty_windows = 'zero'
                or used.aggregation in ('count', 'sum', 'unique_count', 'weighted_sum')
                then {{ zero_quantity() }}
        end as quantity,
        coalesce(combined.is_beyond_limit, false) as is_beyond_limit,
        coalesce(used.digest_sum_1, cast(0 as decimal(38, 0))) as digest_sum_1,
        coalesce(used.digest_sum_2, cast(0 as decimal(38, 0))) as digest_sum_2,
        used.first_event_at,
        used.last_event_at
    from used
    full outer join combined
        on
            used.contract_id = combined.contract_id
            and used.charge_id = combined.charge_id
            and used.run_start_at = combined.run_start_at
            and used.customer_id = combined.customer_id
            and used.dimension_key = combined.dimension_key
    left join meters on combined.meter_id = meters.meter_id
    where
        used.contract_id is not null
        or meters.aggregation = 'latest'
        or combined.quantity <> 0
        or combined.is_beyond_limit
),

final as (
    select * from counted
    union all
    select * from refined
)

select * from final
