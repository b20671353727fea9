{{ config(
    materialized='incremental',
    incremental_strategy='replace_identities',
    on_schema_change='fail',
) }}

-- depends_on: {{ ref('int_events__revisited') }}
{%- do refuse_partial_rebuild(
    'int_key_matches__found', progress_of('int_key_matches__found')
) %}

with judged as (
    select * from {{ ref('int_events__judged') }}
),

final as (
    select
        event_source,
        event_id,
        content_digest,
        event_type,
        subject,
        event_at,
        event_at_nanos,
        event_date,
        content_text,
        occurrence_count,
        ingestion_batch_id,
        file_id,
        line_number,
        content_standing,
        standing_since_batch_id,
        decided_by_batch_id
    from judged
    where occurrence_number = 1 and content_standing <> 'unique'
)

select * from final
