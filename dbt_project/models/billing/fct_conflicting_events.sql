with contents as (
    select * from {{ ref('int_event_contents__kept') }}
),

decisions as (
    select * from {{ ref('int_event_decisions__standing') }}
),

files as (
    select * from {{ ref('stg_ingestion__files') }}
),

final as (
    select
        contents.event_source,
        contents.event_id,
        contents.content_digest,
        contents.content_standing,
        contents.event_type,
        contents.subject,
        contents.event_at,
        contents.event_at_nanos,
        contents.content_text,
        contents.occurrence_count,
        contents.ingestion_batch_id,
        contents.file_id,
        files.path as file_path,
        contents.line_number,
        decisions.decision,
        decisions.reason as decision_reason,
        decisions.author as decision_author,
        decisions.decided_at,
        decisions.register_sequence
    from contents
    left join files on contents.file_id = files.file_id
    left join decisions
        on
            contents.event_source = decisions.event_source
            and contents.event_id = decisions.event_id
)

select * from final
