with source as (
    select * from {{ source('operations', 'raw_parts') }}
),

final as (
    select
        cast(path as varchar) as path,
        cast(ingestion_batch_id as integer) as ingestion_batch_id,
        cast(part_kind as varchar) as part_kind,
        cast(event_date as date) as event_date,
        cast(content_sha256 as varchar) as content_sha256,
        cast(row_count as bigint) as row_count,
        cast(byte_size as bigint) as byte_size
    from source
)

select * from final
