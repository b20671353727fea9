{{ config(materialized='view') }}

with counted as (
    select * from {{ ref('int_usage__counted') }}
    where counted_kind = 'event_type'
),

{{ resolved_slices('counted', every_meter()) }},

final as (
    select
        ingestion_batch_id,
        event_date,
        system_id,
        subject,
        segment_start_at,
        segment_end_at,
        slice_start_at,
        slice_end_at,
        local_date,
        counted_id as event_type,
        customer_id,
        contract_id,
        contract_version,
        time_zone,
        resolution_code,
        event_count,
        metered_event_count,
        first_event_at,
        last_event_at,
        digest_sum_1,
        digest_sum_2
    from resolved
)

select * from final
