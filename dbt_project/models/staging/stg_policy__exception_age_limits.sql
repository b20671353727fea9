with source as (
    select * from {{ source('policy', 'exception_age_limits') }}
),

final as (
    select
        cast(limit_for as varchar) as limit_for,
        cast(age_limit_days as integer) as age_limit_days
    from source
)

select * from final
