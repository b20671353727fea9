with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

run_months as (
    select * from {{ ref('int_charge_months__listed') }}
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
        metered.quantity_min,
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

final as (
    select
        contract_id,
        customer_id,
        meter_id,
        dimension_key,
        charge_id,
        cell_start_date,
        run_start_at,
        cast(unpriced_month as date) as unpriced_month,
        min(local_date) as first_usage_date,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(unvalued_event_count) as bigint) as unvalued_event_count,
        cast(sum(negative_event_count) as bigint) as negative_event_count,
        {{ limited_sum('quantity_sum') }} as quantity_sum,
        max(quantity_max) as quantity_max,
        min(quantity_min) as quantity_min,
        {{ latest_by(
            'latest_quantity',
            ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
        ) }} as latest_quantity,
        {{ any_beyond_limit('quantity_sum') }} as is_beyond_limit,
        cast(sum(digest_sum_1) as decimal(38, 0)) as digest_sum_1,
        cast(sum(digest_sum_2) as decimal(38, 0)) as digest_sum_2,
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
)

select * from final
