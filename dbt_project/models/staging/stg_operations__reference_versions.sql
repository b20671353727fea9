with source as (
    select * from {{ source('operations', 'reference_versions') }}
),

final as (
    select
        cast(reference_version as varchar) as reference_version,
        cast(loaded_at as timestamp) as loaded_at
    from source
)

select * from final
