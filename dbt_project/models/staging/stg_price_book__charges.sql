with source as (
    select * from {{ source('price_book', 'charges') }}
),

final as (
    select
        cast(charge_price_id as varchar) as charge_price_id,
        cast(plan_id as varchar) as plan_id,
        cast(charge_id as varchar) as charge_id,
        cast(charge_name as varchar) as charge_name,
        cast(product_id as varchar) as product_id,
        cast(meter_id as varchar) as meter_id,
        cast(charge_model as varchar) as charge_model,
        cast(billing_timing as varchar) as billing_timing,
        cast(effective_from_date as date) as effective_from_date,
        cast(effective_to_date as date) as effective_to_date,
        cast(contract_id as varchar) as contract_id,
        cast(convert_multiply as decimal(38, 9)) as convert_multiply,
        cast(convert_divide as decimal(38, 9)) as convert_divide,
        cast(convert_rounding as varchar) as convert_rounding,
        cast(convert_decimals as integer) as convert_decimals,
        cast(unit_label as varchar) as unit_label,
        cast(package_rounding as varchar) as package_rounding,
        cast(package_counting as varchar) as package_counting,
        cast(free_quantity as decimal(38, 9)) as free_quantity,
        cast(zero_usage as varchar) as zero_usage,
        cast(ladder as varchar) as ladder,
        cast(proration as varchar) as proration,
        cast(on_termination as varchar) as on_termination,
        cast(rounding_mode as varchar) as rounding_mode,
        cast(reason as varchar) as reason,
        cast(author as varchar) as author,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
