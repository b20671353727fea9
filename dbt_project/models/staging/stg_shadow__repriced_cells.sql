with source as (
    select * from {{ source('shadow', 'shadow_repriced_cells') }}
),

final as (
    select
        cast(billing_period as varchar) as billing_period,
        cast(customer_id as varchar) as customer_id,
        cast(currency_code as varchar) as currency_code,
        cast(charge_id as varchar) as charge_id,
        cast(is_term as boolean) as is_term,
        cast(dimension_key as varchar) as dimension_key,
        cast(cell_start_date as date) as cell_start_date,
        cast(cell_end_date as date) as cell_end_date,
        cast(change_amount as decimal(38, 4)) as change_amount
    from source
)

select * from final
