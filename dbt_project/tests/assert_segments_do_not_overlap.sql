-- Catches usage or a fee priced twice: two segments of a charge at one instant, or one
-- day that both count. A change within a day ends one segment and begins the next.
with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

ordered as (
    select
        contract_id,
        charge_id,
        service_start_at,
        service_end_at,
        counted_start_date,
        counted_end_date,
        lead(service_start_at) over charge_segments as next_service_start_at,
        lead(counted_start_date) over charge_segments as next_counted_start_date
    from segments
    window charge_segments as (
        partition by contract_id, charge_id
        order by service_start_at
    )
)

select * from ordered
where
    service_end_at <= service_start_at
    or service_end_at > next_service_start_at
    or counted_end_date > next_counted_start_date
