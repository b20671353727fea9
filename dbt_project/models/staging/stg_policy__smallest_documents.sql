with source as (
    select * from {{ source('policy', 'policy_smallest_documents') }}
),

final as (
    select
        cast(currency_code as varchar) as currency_code,
        cast(smallest_amount as decimal(38, 4)) as smallest_amount
    from source
)

select * from final
