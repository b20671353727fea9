{{ config(materialized='view') }}

with decisions as (
    select * from {{ ref('stg_usage__event_decisions') }}
),

decision_parts as (
    select
        ingestion_batch_id,
        content_sha256
    from {{ ref('stg_ingestion__raw_parts') }}
    where part_kind = 'decisions'
),

-- What a manifest lists no more was delivered again, in another batch.
numbered as (
    select
        decisions.*,
        row_number() over (
            partition by decisions.event_source, decisions.event_id
            order by decisions.register_sequence desc, decisions.decision_number desc
        ) as number_from_last
    from decisions
    semi join decision_parts
        on
            decisions.ingestion_batch_id = decision_parts.ingestion_batch_id
            and decisions.content_sha256 = decision_parts.content_sha256
),

final as (
    select
        event_source,
        event_id,
        key_hash,
        decision,
        content_digest,
        known_digests,
        reason,
        author,
        decided_at,
        register_sequence,
        ingestion_batch_id
    from numbered
    where number_from_last = 1
)

select * from final
