with source as (
    select * from {{ source('operations', 'crm_pushes') }}
),

final as (
    select
        cast(push_key as varchar) as push_key,
        cast(object_name as varchar) as object_name,
        cast(external_id as varchar) as external_id,
        cast(payload_sha256 as varchar) as payload_sha256,
        cast(state as varchar) as state,
        cast(acknowledged_at as timestamp) as acknowledged_at,
        cast(detail as varchar) as detail
    from source
)

select * from final
