with exchange_rates as (
    select * from {{ ref('stg_reference__exchange_rates') }}
),

final as (
    select
        from_currency_code,
        to_currency_code,
        rate_date as valid_from_date,
        lead(rate_date) over (
            partition by from_currency_code, to_currency_code
            order by rate_date
        ) as valid_to_date,
        rate as exchange_rate,
        reference_version
    from exchange_rates
)

select * from final
