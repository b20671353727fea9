with charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

charge_tiers as (
    select * from {{ ref('stg_price_book__charge_tiers') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

final as (
    select
        charges.charge_price_id,
        charge_tiers.currency_code,
        charge_tiers.tier_number,
        charges.plan_id,
        charges.charge_id,
        charges.charge_name,
        charges.charge_model,
        charges.billing_timing,
        charges.contract_id is not null as is_override,
        charges.contract_id,
        charges.effective_from_date,
        charges.effective_to_date,
        charges.product_id,
        products.product_name,
        products.erp_item,
        products.revenue_account,
        charges.meter_id,
        coalesce(charges.unit_label, meters.unit) as unit_label,
        charges.convert_multiply,
        charges.convert_divide,
        charges.convert_rounding,
        charges.free_quantity,
        charge_tiers.lower_quantity,
        charge_tiers.upper_quantity,
        charge_tiers.unit_price,
        charge_tiers.flat_amount,
        charge_tiers.package_size,
        case when charges.charge_model = 'package' then charges.package_counting end
            as package_counting,
        charge_tiers.dimension_match,
        charges.author,
        charges.reference_version
    from charges
    inner join charge_tiers
        on
            charges.charge_price_id = charge_tiers.charge_price_id
            and not coalesce(charge_tiers.is_unpriced, false)
    left join products on charges.product_id = products.product_id
    left join meters on charges.meter_id = meters.meter_id
)

select * from final
