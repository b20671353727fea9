with source as (
    select * from {{ source('rerating', 'rerating_left_out') }}
),

final as (
    select cast(contract_lineage_id as varchar) as contract_lineage_id
    from source
)

select * from final
