{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
) }}

with decisions as (
    {{ decisions_of_parts(unlisted_parts('decisions')) | indent(4) }}
),

decision_parts as (
    select
        ingestion_batch_id,
        content_sha256
    from {{ source('operations', 'raw_parts') }}
    where part_kind = 'decisions'
),

final as (
    select
        cast(decisions.ingestion_batch_id as integer) as ingestion_batch_id,
        cast(decision_parts.content_sha256 as varchar) as content_sha256,
        cast(decisions.register_sequence as bigint) as register_sequence,
        cast(decisions.decision_number as integer) as decision_number,
        cast(decisions.event_source as varchar) as event_source,
        cast(decisions.event_id as varchar) as event_id,
        cast(decisions.key_hash as bigint) as key_hash,
        cast(decisions.decision as varchar) as decision,
        cast(decisions.content_digest as varchar) as content_digest,
        cast(decisions.known_digests as varchar[]) as known_digests,
        cast(decisions.reason as varchar) as reason,
        cast(decisions.author as varchar) as author,
        cast(decisions.author_source as varchar) as author_source,
        cast(decisions.decided_at as timestamp) as decided_at
    from decisions
    inner join decision_parts
        on decisions.ingestion_batch_id = decision_parts.ingestion_batch_id
)

select * from final
