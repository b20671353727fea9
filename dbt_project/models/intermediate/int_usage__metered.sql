{{ config(materialized='view') }}

with counted as (
    select * from {{ ref('int_usage__counted') }}
    where counted_kind = 'meter'
),

{{ resolved_slices('counted', 'counted.counted_id') }},

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
        counted_id as meter_id,
        dimension_key,
        customer_id,
        contract_id,
        contract_version,
        time_zone,
        resolution_code,
        event_count,
        unvalued_event_count,
        negative_event_count,
        quantity_sum,
        quantity_max,
        latest_quantity,
        latest_event_at,
        latest_event_nanos,
        latest_event_source,
        latest_event_id,
        first_event_at,
        last_event_at,
        digest_sum_1,
        digest_sum_2,
        quarter_hour_at,
        quantity_min
    from resolved
)

select * from final
