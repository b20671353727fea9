with entries as (
    select * from {{ ref('stg_audit__entries') }}
),

final as (
    select
        audit_sequence,
        happened_at,
        recorded_at,
        actor,
        actor_source,
        run_id,
        audit_action,
        object_kind,
        object_id,
        outcome,
        billing_period,
        legal_entity_id,
        register_sequence,
        manifest_sha256,
        details,
        previous_entry_sha256,
        entry_sha256
    from entries
)

select * from final
