with source as (
    select * from {{ source('reference', 'legal_entities') }}
),

final as (
    select
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(legal_entity_name as varchar) as legal_entity_name,
        cast(country_code as varchar) as country_code,
        cast(functional_currency_code as varchar) as functional_currency_code,
        cast(time_zone as varchar) as time_zone,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
