with source as (
    select * from {{ source('price_book', 'term_charges') }}
),

final as (
    select
        cast(term_id as varchar) as term_id,
        cast(charge_id as varchar) as charge_id,
        cast(charge_number as integer) as charge_number,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
