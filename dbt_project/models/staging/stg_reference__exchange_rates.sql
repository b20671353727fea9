with source as (
    select * from {{ source('reference', 'exchange_rates') }}
),

final as (
    select
        cast(rate_date as date) as rate_date,
        cast(from_currency_code as varchar) as from_currency_code,
        cast(to_currency_code as varchar) as to_currency_code,
        cast(rate as decimal(38, 12)) as rate,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
