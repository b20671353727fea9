with source as (
    select * from {{ source('operations', 'revisions') }}
),

final as (
    select
        cast(revision_id as varchar) as revision_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(billing_period as varchar) as billing_period,
        cast(revision_number as integer) as revision_number,
        cast(content_sha256 as varchar) as content_sha256,
        cast(frozen_at as timestamp) as frozen_at,
        cast(state as varchar) as state,
        cast(reference_version as varchar) as reference_version,
        {{ last_of_json_numbers('ingestion_batch_ids') }} as last_ingestion_batch_id
    from source
)

select * from final
