with source as (
    select * from {{ source('rerating', 'rerating_steps') }}
),

final as (
    select
        cast(billing_period as varchar) as billing_period,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(base_revision_id as varchar) as base_revision_id,
        cast(step_number as integer) as step_number,
        cast(cause as varchar) as cause
    from source
)

select * from final
