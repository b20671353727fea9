{{ config(materialized='view') }}

with counted as (
    select * from {{ ref('int_distinct_values__counted') }}
),

{{ resolved_slices('counted', 'counted.meter_id') }},

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
        meter_id,
        dimension_key,
        customer_id,
        contract_id,
        contract_version,
        time_zone,
        resolution_code,
        distinct_value,
        quarter_hour_at,
        event_count,
        has_add,
        first_operation_at,
        first_operation_nanos,
        last_operation_at,
        last_operation_nanos,
        last_operation_source,
        last_operation_id,
        is_last_add
    from resolved
)

select * from final
