with source as (
    select * from {{ source('reference', 'customer_parents') }}
),

final as (
    select
        cast(customer_id as varchar) as customer_id,
        cast(parent_customer_id as varchar) as parent_customer_id,
        cast(valid_from_at as timestamp) as valid_from_at,
        cast(valid_to_at as timestamp) as valid_to_at,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
