with source as (
    select * from {{ source('rerating', 'rerating_bases') }}
),

final as (
    select
        cast(billing_period as varchar) as billing_period,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(contract_lineage_id as varchar) as contract_lineage_id,
        cast(base_revision_id as varchar) as base_revision_id
    from source
)

select * from final
