with source as (
    select * from {{ source('price_book', 'event_properties') }}
),

final as (
    select
        cast(event_type as varchar) as event_type,
        cast(contract_version as varchar) as contract_version,
        cast(property as varchar) as property,
        cast(column_name as varchar) as column_name,
        cast(property_kind as varchar) as property_kind,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
