with gathered as (
    select * from {{ ref('int_usage__gathered') }}
),

run_months as (
    select * from {{ ref('int_charge_months__listed') }}
),

placed as (
    select
        gathered.contract_id,
        gathered.customer_id,
        gathered.meter_id,
        gathered.dimension_key,
        run_months.charge_id,
        run_months.cell_start_date,
        run_months.run_start_at,
        case
            when
                run_months.charge_id is null
                then date_trunc('month', gathered.local_date)
        end as unpriced_month,
        gathered.local_date,
        gathered.event_count,
        gathered.unvalued_event_count,
        gathered.negative_event_count,
        gathered.quantity_sum,
        gathered.is_beyond_limit,
        gathered.quantity_max,
        gathered.quantity_min,
        gathered.latest_quantity,
        gathered.latest_event_at,
        gathered.latest_event_nanos,
        gathered.latest_event_source,
        gathered.latest_event_id,
        gathered.digest_sum_1,
        gathered.digest_sum_2,
        gathered.first_event_at,
        gathered.last_event_at
    from gathered
    left join run_months
        on
            gathered.contract_id = run_months.contract_id
            and gathered.meter_id = run_months.meter_id
            and {{ month_number('gathered.local_date') }} = run_months.usage_month
            and gathered.placed_at >= run_months.run_start_at
            and gathered.placed_at < run_months.run_end_at
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
        cast(sum(quantity_sum) as decimal(38, 9)) as quantity_sum,
        max(quantity_max) as quantity_max,
        min(quantity_min) as quantity_min,
        {{ latest_by('latest_quantity', latest_order()) }} as latest_quantity,
        bool_or(is_beyond_limit) as is_beyond_limit,
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
