with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

distinct_values as (
    select * from {{ ref('int_usage__distinct_values') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
    where meter_id is not null
),

-- A run is found by the month of the day: joining stays linear in a long history.
run_months as (
    select
        contract_id,
        meter_id,
        charge_id,
        cell_start_date,
        run_start_at,
        run_end_at,
        {{ each_of(integers_between(
            month_number('run_start_date'), month_number('(run_end_date - 1)')
        )) }} as usage_month
    from runs
),

placed as (
    select
        metered.contract_id,
        metered.customer_id,
        metered.meter_id,
        metered.dimension_key,
        run_months.charge_id,
        run_months.cell_start_date,
        run_months.run_start_at,
        case
            when
                run_months.charge_id is null
                then date_trunc('month', metered.local_date)
        end as unpriced_month,
        metered.local_date,
        metered.event_count,
        metered.unvalued_event_count,
        metered.negative_event_count,
        metered.quantity_sum,
        metered.quantity_max,
        metered.latest_quantity,
        metered.latest_event_at,
        metered.latest_event_nanos,
        metered.latest_event_source,
        metered.latest_event_id,
        metered.digest_sum_1,
        metered.digest_sum_2,
        metered.first_event_at,
        metered.last_event_at
    from metered
    left join run_months
        on
            metered.contract_id = run_months.contract_id
            and metered.meter_id = run_months.meter_id
            and {{ month_number('metered.local_date') }} = run_months.usage_month
            and metered.slice_start_at >= run_months.run_start_at
            and metered.slice_start_at < run_months.run_end_at
),

merged as (
    select
        contract_id,
        customer_id,
        meter_id,
        dimension_key,
        charge_id,
        cell_start_date,
        run_start_at,
        unpriced_month,
        min(local_date) as first_usage_date,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(unvalued_event_count) as bigint) as unvalued_event_count,
        cast(sum(negative_event_count) as bigint) as negative_event_count,
        {{ limited_sum('quantity_sum') }} as quantity_sum,
        max(quantity_max) as quantity_max,
        {{ latest_by(
            'latest_quantity',
            ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
        ) }} as latest_quantity,
        {{ any_beyond_limit('quantity_sum') }} as is_beyond_limit,
        sum(digest_sum_1) as digest_sum_1,
        sum(digest_sum_2) as digest_sum_2,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
    from placed
    group by
        contract_id,
        customer_id,
        meter_id,
        dimension_key,
        charge_id,
        cell_start_date,
        run_start_at,
        unpriced_month
),

unique_counts as (
    select
        distinct_values.contract_id,
        distinct_values.customer_id,
        distinct_values.meter_id,
        distinct_values.dimension_key,
        run_months.charge_id,
        run_months.run_start_at,
        count(distinct distinct_values.distinct_value) as unique_count
    from distinct_values
    inner join run_months
        on
            distinct_values.contract_id = run_months.contract_id
            and distinct_values.meter_id = run_months.meter_id
            and {{ month_number('distinct_values.local_date') }}
            = run_months.usage_month
            and distinct_values.slice_start_at >= run_months.run_start_at
            and distinct_values.slice_start_at < run_months.run_end_at
    group by
        distinct_values.contract_id,
        distinct_values.customer_id,
        distinct_values.meter_id,
        distinct_values.dimension_key,
        run_months.charge_id,
        run_months.run_start_at
),

final as (
    select
        merged.contract_id,
        merged.customer_id,
        merged.meter_id,
        merged.dimension_key,
        merged.charge_id,
        merged.cell_start_date,
        merged.run_start_at,
        cast(merged.unpriced_month as date) as unpriced_month,
        merged.first_usage_date,
        merged.event_count,
        merged.unvalued_event_count,
        merged.negative_event_count,
        cast(
            case meters.aggregation
                when 'count' then merged.event_count
                when 'sum' then coalesce(merged.quantity_sum, 0)
                when 'max' then merged.quantity_max
                when 'latest' then merged.latest_quantity
                when 'unique_count' then unique_counts.unique_count
            end as decimal(38, 9)
        ) as quantity,
        meters.aggregation = 'sum' and merged.is_beyond_limit as is_beyond_limit,
        cast(merged.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(merged.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        merged.first_event_at,
        merged.last_event_at
    from merged
    inner join meters on merged.meter_id = meters.meter_id
    left join unique_counts
        on
            merged.contract_id = unique_counts.contract_id
            and merged.customer_id = unique_counts.customer_id
            and merged.meter_id = unique_counts.meter_id
            and merged.dimension_key = unique_counts.dimension_key
            and merged.charge_id = unique_counts.charge_id
            and merged.run_start_at = unique_counts.run_start_at
)

select * from final
