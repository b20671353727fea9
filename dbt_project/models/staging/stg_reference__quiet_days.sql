with source as (
    select * from {{ source('reference', 'quiet_days') }}
),

final as (
    select
        cast(source_prefix as varchar) as source_prefix,
        cast(quiet_date as date) as quiet_date,
        cast(reason as varchar) as reason,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
