with source as (
    select * from {{ source('reference', 'overrides') }}
),

final as (
    select
        cast(override_id as varchar) as override_id,
        cast(contract_id as varchar) as contract_id,
        cast(charge_id as varchar) as charge_id,
        cast(effective_from_date as date) as effective_from_date,
        cast(effective_to_date as date) as effective_to_date,
        cast(currency_code as varchar) as currency_code,
        cast(charge_price_id as varchar) as charge_price_id,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
