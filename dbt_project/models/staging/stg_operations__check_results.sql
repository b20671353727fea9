with source as (
    select * from {{ source('operations', 'check_results') }}
),

final as (
    select
        cast(revision_sha256 as varchar) as revision_sha256,
        cast(check_name as varchar) as check_name,
        cast(invariant as integer) as invariant_number,
        cast(is_passed as boolean) as is_passed,
        cast(figures as varchar) as figures,
        cast(computed_at as timestamp) as computed_at
    from source
)

select * from final
