with source as (
    select * from {{ source('reference', 'customers') }}
),

final as (
    select
        cast(customer_id as varchar) as customer_id,
        cast(customer_name as varchar) as customer_name,
        cast(parent_customer_id as varchar) as parent_customer_id,
        cast(
            coalesce(bill_to_customer_id, customer_id) as varchar
        ) as bill_to_customer_id,
        cast(segment as varchar) as segment,
        cast(region as varchar) as region,
        cast(erp_customer_number as varchar) as erp_customer_number,
        cast(crm_account_id as varchar) as crm_account_id,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
