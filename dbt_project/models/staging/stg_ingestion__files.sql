with source as (
    select * from {{ source('operations', 'ingestion_files') }}
),

final as (
    select
        cast(file_id as integer) as file_id,
        cast(ingestion_batch_id as integer) as ingestion_batch_id,
        cast(path as varchar) as path,
        cast(content_sha256 as varchar) as content_sha256,
        cast(byte_size as bigint) as byte_size,
        cast(format as varchar) as format,
        cast(status as varchar) as status,
        cast(code as varchar) as code,
        cast(detail as varchar) as detail,
        cast(lines_read as bigint) as lines_read,
        cast(lines_accepted as bigint) as lines_accepted,
        cast(lines_rejected as bigint) as lines_rejected,
        cast(first_seen_at as timestamp) as first_seen_at
    from source
    -- A refusal that a later look at the same file replaced says nothing any more.
    where superseded_at is null
)

select * from final
