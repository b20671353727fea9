{{ config(materialized='view') }}

with kept as (
    select * from {{ ref('int_events__kept') }}
),

{{ resolved_slices('kept', 'kept.meter_id') }},

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
        event_at,
        event_at_nanos,
        event_source,
        event_id,
        quantity
    from resolved
)

select * from final
