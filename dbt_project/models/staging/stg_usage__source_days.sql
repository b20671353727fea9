{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
) }}

with subject_days as (
    {{ subject_days_of_parts(unlisted_parts('affected')) | indent(4) }}
),

affected_lists as (
    select
        ingestion_batch_id,
        content_sha256
    from {{ source('operations', 'raw_parts') }}
    where part_kind = 'affected'
),

final as (
    select
        cast(subject_days.ingestion_batch_id as integer) as ingestion_batch_id,
        cast(affected_lists.content_sha256 as varchar) as content_sha256,
        cast(subject_days.event_source as varchar) as event_source,
        cast(subject_days.event_date as date) as event_date,
        cast(sum(subject_days.event_count) as bigint) as event_count
    from subject_days
    inner join affected_lists
        on subject_days.ingestion_batch_id = affected_lists.ingestion_batch_id
    group by
        subject_days.ingestion_batch_id,
        affected_lists.content_sha256,
        subject_days.event_source,
        subject_days.event_date
)

select * from final
