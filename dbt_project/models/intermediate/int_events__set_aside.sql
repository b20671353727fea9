{{ config(
    materialized='incremental',
    incremental_strategy='replace_identities',
    on_schema_change='fail',
    post_hook="{{ close_range('int_events__set_aside', 'int_key_matches__found') }}",
) }}

-- depends_on: {{ ref('int_event_contents__kept') }}
-- depends_on: {{ ref('int_events__revisited') }}
{%- do refuse_partial_rebuild(
    'int_key_matches__found', progress_of('int_key_matches__found')
) %}

with judged as (
    select * from {{ ref('int_events__judged') }}
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
        case
            when occurrence_number > 1 then 'exact_repeat'
            else content_standing
        end as set_aside_reason,
        case
            when occurrence_number > 1 then ingestion_batch_id
            else standing_since_batch_id
        end as set_aside_by_batch_id,
        first_ingestion_batch_id,
        first_file_id,
        first_line_number
    from judged
    where
        occurrence_number > 1
        or content_standing in ('conflicting', 'dropped', 'retracted')
)

select * from final
