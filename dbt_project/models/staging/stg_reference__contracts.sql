with source as (
    select * from {{ source('reference', 'contracts') }}
),

final as (
    select
        cast(contract_id as varchar) as contract_id,
        cast(contract_lineage_id as varchar) as contract_lineage_id,
        cast(customer_id as varchar) as customer_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(currency_code as varchar) as currency_code,
        cast(time_zone as varchar) as time_zone,
        cast(billing_cadence as varchar) as billing_cadence,
        cast(billing_anchor_day as integer) as billing_anchor_day,
        cast(start_date as date) as start_date,
        cast(start_at as timestamp) as start_at,
        cast(end_date as date) as end_date,
        cast(end_at as timestamp) as end_at,
        cast(tax_profile as varchar) as tax_profile,
        cast(purchase_order as varchar) as purchase_order,
        cast(children as varchar) as children,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
