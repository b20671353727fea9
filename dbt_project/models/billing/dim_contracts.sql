with contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

plans as (
    select * from {{ ref('stg_price_book__plans') }}
),

final as (
    select
        contracts.contract_id,
        contract_versions.contract_version,
        contracts.contract_lineage_id,
        contracts.customer_id,
        coalesce(customers.bill_to_customer_id, contracts.customer_id)
            as bill_to_customer_id,
        contracts.legal_entity_id,
        contracts.currency_code,
        contracts.time_zone,
        contracts.billing_cadence,
        contracts.billing_anchor_day,
        contracts.start_date,
        contracts.end_date,
        contract_versions.effective_from_date,
        contract_versions.effective_to_date,
        contract_versions.plan_id,
        plans.plan_name,
        contracts.tax_profile,
        contracts.purchase_order,
        contracts.author as contract_author,
        contract_versions.author as version_author,
        contracts.reference_version
    from contracts
    inner join
        contract_versions
        on contracts.contract_id = contract_versions.contract_id
    left join customers on contracts.customer_id = customers.customer_id
    left join plans on contract_versions.plan_id = plans.plan_id
)

select * from final
