with source as (
    select * from {{ source('operations', 'sign_offs') }}
),

final as (
    select
        cast(sign_off_id as varchar) as sign_off_id,
        cast(revision_id as varchar) as revision_id,
        cast(decision as varchar) as decision,
        cast(signer as varchar) as signer,
        cast(signer_source as varchar) as signer_source,
        cast(run_id as varchar) as run_id,
        cast(signed_at as timestamp) as signed_at,
        cast(note as varchar) as note,
        cast(manifest_sha256 as varchar) as manifest_sha256,
        cast(acknowledgements as varchar) as acknowledgements
    from source
)

select * from final
