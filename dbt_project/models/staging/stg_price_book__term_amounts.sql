with source as (
    select * from {{ source('price_book', 'term_amounts') }}
),

final as (
    select
        cast(term_id as varchar) as term_id,
        cast(currency_code as varchar) as currency_code,
        cast(amount as decimal(38, 12)) as amount,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
