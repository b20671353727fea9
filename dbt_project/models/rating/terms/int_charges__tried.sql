{{ config(materialized='view') }}

with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

trials as (
    select * from {{ ref('int_terms__in_force') }}
    where term_kind = 'trial'
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

-- A trial cuts the segments of its charges where it begins and ends.
final as (
    select distinct
        segments.contract_id,
        segments.charge_id,
        segments.service_start_at
    from segments
    inner join trials
        on
            segments.contract_id = trials.contract_id
            and segments.service_start_at >= trials.in_force_from_at
            and segments.service_start_at < trials.in_force_to_at
    inner join term_charges
        on
            trials.term_id = term_charges.term_id
            and segments.charge_id = term_charges.charge_id
)

select * from final
