with source as (
    select * from {{ source('audit', 'audit_entries') }}
),

final as (
    select
        cast(audit_sequence as bigint) as audit_sequence,
        cast(happened_at as timestamp) as happened_at,
        cast(recorded_at as timestamp) as recorded_at,
        cast(actor as varchar) as actor,
        cast(actor_source as varchar) as actor_source,
        cast(run_id as varchar) as run_id,
        cast(audit_action as varchar) as audit_action,
        cast(object_kind as varchar) as object_kind,
        cast(object_id as varchar) as object_id,
        cast(outcome as varchar) as outcome,
        cast(billing_period as varchar) as billing_period,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(register_sequence as bigint) as register_sequence,
        cast(manifest_sha256 as varchar) as manifest_sha256,
        cast(details as varchar) as details,
        cast(previous_entry_sha256 as varchar) as previous_entry_sha256,
        cast(entry_sha256 as varchar) as entry_sha256
    from source
)

select * from final
