with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

final as (
    select
        contract_id,
        contract_lineage_id,
        charge_id,
        cell_start_date,
        cell_end_date,
        min(cell_start_at) as cell_start_at,
        min(cell_end_at) as cell_end_at,
        run_number,
        min(charge_price_id) as charge_price_id,
        min(meter_id) as meter_id,
        min(time_zone) as time_zone,
        min(service_start_at) as run_start_at,
        max(service_end_at) as run_end_at,
        min(segment_start_date) as run_start_date,
        max(segment_end_date) as run_end_date
    from segments
    group by
        contract_id,
        contract_lineage_id,
        charge_id,
        cell_start_date,
        cell_end_date,
        run_number
)

select * from final
