with source as (
    select * from {{ source('reference', 'credit_grant_scopes') }}
),

final as (
    select
        cast(credit_grant_id as varchar) as credit_grant_id,
        cast(charge_id as varchar) as charge_id,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
