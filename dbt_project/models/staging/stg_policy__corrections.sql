with source as (
    select * from {{ source('policy', 'policy_corrections') }}
),

final as (
    select cast(months_back as integer) as months_back
    from source
)

select * from final
