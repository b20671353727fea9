with source as (
    select * from {{ source('operations', 'ingestion_batches') }}
),

final as (
    select
        cast(ingestion_batch_id as integer) as ingestion_batch_id,
        cast(batch_kind as varchar) as batch_kind,
        cast(started_at as timestamp) as started_at,
        cast(committed_at as timestamp) as committed_at,
        cast(file_count as integer) as file_count,
        cast(lines_read as bigint) as lines_read,
        cast(lines_accepted as bigint) as lines_accepted,
        cast(lines_rejected as bigint) as lines_rejected
    from source
)

select * from final
