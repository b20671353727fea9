with source_days as (
    select * from {{ ref('stg_usage__source_days') }}
),

affected_lists as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
    where part_kind = 'affected'
),

final as (
    select
        source_days.event_source,
        source_days.event_date,
        cast(sum(source_days.event_count) as bigint) as event_count
    from source_days
    inner join affected_lists
        on
            source_days.ingestion_batch_id = affected_lists.ingestion_batch_id
            and source_days.content_sha256 = affected_lists.content_sha256
    group by source_days.event_source, source_days.event_date
)

select * from final
