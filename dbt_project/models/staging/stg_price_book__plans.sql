with source as (
    select * from {{ source('price_book', 'plans') }}
),

final as (
    select
        cast(plan_id as varchar) as plan_id,
        cast(plan_name as varchar) as plan_name,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
