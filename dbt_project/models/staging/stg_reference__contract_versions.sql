with source as (
    select * from {{ source('reference', 'contract_versions') }}
),

final as (
    select
        cast(contract_id as varchar) as contract_id,
        cast(contract_version as integer) as contract_version,
        cast(effective_from_date as date) as effective_from_date,
        cast(effective_from_at as timestamp) as effective_from_at,
        cast(effective_to_date as date) as effective_to_date,
        cast(plan_id as varchar) as plan_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(bill_to_customer_id as varchar) as bill_to_customer_id,
        cast(tax_profile as varchar) as tax_profile,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
