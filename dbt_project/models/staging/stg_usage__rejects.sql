with source as (
    select * from {{ source('operations', 'rejects') }}
),

final as (
    select
        cast(ingestion_batch_id as integer) as ingestion_batch_id,
        cast(file_id as integer) as file_id,
        cast(line_number as bigint) as line_number,
        cast(reject_code as varchar) as reject_code,
        cast(reject_detail as varchar) as reject_detail,
        cast(raw_text as varchar) as raw_text,
        cast(event_source as varchar) as event_source,
        cast(event_id as varchar) as event_id,
        cast(event_type as varchar) as event_type,
        cast(subject as varchar) as subject
    from source
)

select * from final
