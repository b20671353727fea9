{%- set parts = matched_event_parts() %}
{%- set properties = property_columns(columns_of_parts(parts)) %}

with key_matches as (
    select * from {{ ref('int_key_matches__found') }}
),

events as (
    {{ events_of_parts(parts) | indent(4) }}
),

final as (
    select
        events.ingestion_batch_id,
        events.file_id,
        events.line_number,
        events.event_date,
        events.event_source,
        events.event_id,
        events.event_type,
        events.subject,
        events.event_at,
        events.event_at_nanos,
        events.key_hash,
        events.digest_1,
        events.digest_2,
        {{ content_text(properties) | indent(8) }} as content_text
    from events
    semi join key_matches
        on {{ key_prefix('events.key_hash') }} = key_matches.key_prefix
)

select * from final
