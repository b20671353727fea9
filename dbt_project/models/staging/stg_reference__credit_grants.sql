with source as (
    select * from {{ source('reference', 'credit_grants') }}
),

final as (
    select
        cast(credit_grant_id as varchar) as credit_grant_id,
        cast(credit_grant_name as varchar) as credit_grant_name,
        cast(contract_id as varchar) as contract_id,
        cast(kind as varchar) as credit_kind,
        cast(amount as decimal(38, 9)) as amount,
        cast(currency_code as varchar) as currency_code,
        cast(unit as varchar) as unit,
        cast(priority as integer) as priority,
        cast(starts_on as date) as starts_on,
        cast(expires_on as date) as expires_on,
        cast(cost_basis as decimal(38, 12)) as cost_basis,
        cast(is_scoped as boolean) as is_scoped,
        cast(product_id as varchar) as product_id,
        cast(draws_by as varchar) as draws_by,
        cast(restores_after_expiry as varchar) as restores_after_expiry,
        cast(reopens_for_days as integer) as reopens_for_days,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
