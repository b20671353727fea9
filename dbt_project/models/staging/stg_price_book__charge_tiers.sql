with source as (
    select * from {{ source('price_book', 'charge_tiers') }}
),

final as (
    select
        cast(charge_price_id as varchar) as charge_price_id,
        cast(currency_code as varchar) as currency_code,
        cast(tier_number as integer) as tier_number,
        cast(lower_quantity as decimal(38, 9)) as lower_quantity,
        cast(upper_quantity as decimal(38, 9)) as upper_quantity,
        cast(unit_price as decimal(38, 12)) as unit_price,
        cast(flat_amount as decimal(38, 12)) as flat_amount,
        cast(package_size as decimal(38, 9)) as package_size,
        cast(dimension_match as varchar) as dimension_match,
        cast(free_events as bigint) as free_events,
        cast(free_amount as decimal(38, 9)) as free_amount,
        cast(event_bound as varchar) as event_bound,
        cast(is_unpriced as boolean) as is_unpriced,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
