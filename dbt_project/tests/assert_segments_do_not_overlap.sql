-- Catches usage or a fee priced twice: two segments of a charge on one day.
with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

ordered as (
    select
        contract_id,
        charge_id,
        segment_start_date,
        segment_end_date,
        lead(segment_start_date) over (
            partition by contract_id, charge_id
            order by segment_start_date
        ) as next_segment_start_date
    from segments
)

select * from ordered
where
    segment_end_date <= segment_start_date
    or segment_end_date > next_segment_start_date
