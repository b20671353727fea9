with source as (
    select * from {{ source('price_book', 'charge_limits') }}
),

final as (
    select
        cast(charge_price_id as varchar) as charge_price_id,
        cast(currency_code as varchar) as currency_code,
        cast(minimum_amount as decimal(38, 12)) as minimum_amount,
        cast(maximum_amount as decimal(38, 12)) as maximum_amount,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
