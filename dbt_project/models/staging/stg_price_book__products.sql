with source as (
    select * from {{ source('price_book', 'products') }}
),

final as (
    select
        cast(product_id as varchar) as product_id,
        cast(product_name as varchar) as product_name,
        cast(erp_item as varchar) as erp_item,
        cast(revenue_account as varchar) as revenue_account,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
