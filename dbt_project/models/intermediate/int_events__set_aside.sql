{{ config(
    materialized='incremental',
    incremental_strategy='replace_identities',
    on_schema_change='fail',
    post_hook="{{ close_range('int_events__set_aside', 'int_key_matches__found') }}",
) }}

{%- do refuse_partial_rebuild(
    'int_key_matches__found', progress_of('int_key_matches__found')
) %}

with events as (
    select * from {{ ref('int_events__revisited') }}
),

-- Rows of one identity with one content share a number; a shared hash is not enough.
numbered as (
    select
        *,
        dense_rank() over (
            partition by event_source, event_id
            order by
                digest_1,
                digest_2,
                event_type,
                subject,
                event_at,
                event_at_nanos,
                content_text
        ) as content_number
    from events
),

placed as (
    select
        *,
        row_number() over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as occurrence_number,
        first_value(ingestion_batch_id) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_ingestion_batch_id,
        first_value(file_id) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_file_id,
        first_value(line_number) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_line_number
    from numbered
),

-- The batch that brought the second content made a conflict of both.
conflicts as (
    select
        event_source,
        event_id,
        ingestion_batch_id as conflict_batch_id
    from placed
    where occurrence_number = 1
    qualify
        row_number() over (
            partition by event_source, event_id
            order by ingestion_batch_id, file_id, line_number
        ) = 2
),

classified as (
    select
        placed.*,
        case
            when placed.occurrence_number > 1 then 'exact_repeat'
            when conflicts.conflict_batch_id is not null then 'conflicting'
        end as set_aside_reason,
        case
            when placed.occurrence_number > 1 then placed.ingestion_batch_id
            else greatest(placed.ingestion_batch_id, conflicts.conflict_batch_id)
        end as set_aside_by_batch_id
    from placed
    left join conflicts
        on
            placed.event_source = conflicts.event_source
            and placed.event_id = conflicts.event_id
),

final as (
    select
        ingestion_batch_id,
        file_id,
        line_number,
        event_date,
        event_source,
        event_id,
        event_type,
        subject,
        event_at,
        event_at_nanos,
        key_hash,
        digest_1,
        digest_2,
        set_aside_reason,
        set_aside_by_batch_id,
        first_ingestion_batch_id,
        first_file_id,
        first_line_number
    from classified
    where set_aside_reason is not null
)

select * from final
