with source as (
    select * from {{ source('shadow', 'shadow_invoice_lines') }}
),

final as (
    select
        cast(billing_period as varchar) as billing_period,
        cast(load_number as integer) as load_number,
        cast(line_number as integer) as line_number,
        cast(invoice_number as varchar) as invoice_number,
        cast(their_customer as varchar) as their_customer,
        cast(customer_by as varchar) as customer_by,
        cast(customer_reference as varchar) as customer_reference,
        cast(customer_system as varchar) as customer_system,
        cast(their_charge as varchar) as their_charge,
        cast(charge_by as varchar) as charge_by,
        cast(charge_reference as varchar) as charge_reference,
        cast(dimension_key as varchar) as dimension_key,
        cast(line_kind as varchar) as line_kind,
        cast(service_start_date as date) as service_start_date,
        cast(service_end_date as date) as service_end_date,
        cast(currency_code as varchar) as currency_code,
        cast(quantity as decimal(38, 9)) as quantity,
        cast(unit_price as decimal(38, 12)) as unit_price,
        cast(amount as decimal(38, 4)) as amount,
        cast(multiplied_amount as decimal(38, 4)) as multiplied_amount,
        cast(is_rounded as boolean) as is_rounded
    from source
)

select * from final
