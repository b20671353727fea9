with source as (
    select * from {{ source('rerating', 'rerating_states') }}
),

final as (
    select
        cast(billing_period as varchar) as billing_period,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(base_revision_id as varchar) as base_revision_id,
        cast(step_number as integer) as step_number,
        cast(settlement_key as varchar) as settlement_key,
        cast(is_known as boolean) as is_known,
        cast(rated_amount as decimal(38, 4)) as rated_amount,
        cast(is_held as boolean) as is_held
    from source
)

select * from final
