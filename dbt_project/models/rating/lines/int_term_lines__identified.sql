{{ config(materialized='view') }}

with minimums as (
    select * from {{ ref('int_minimums__due') }}
),

terms as (
    select * from {{ ref('int_terms__shared') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

of_terms as (
    select
        terms.contract_id,
        terms.contract_lineage_id,
        terms.contract_version,
        terms.customer_id,
        terms.bill_to_customer_id,
        terms.legal_entity_id,
        terms.plan_id,
        terms.term_id as charge_id,
        terms.term_name as charge_name,
        terms.term_kind as charge_model,
        terms.term_id as charge_price_id,
        false as is_override,
        terms.product_id,
        products.erp_item,
        products.revenue_account,
        terms.tax_profile,
        terms.line_kind,
        terms.billing_timing,
        {{ billing_period(
            'terms.billing_timing',
            local_date('terms.service_start_at', 'terms.time_zone'),
            'terms.cell_end_date'
        ) | indent(8) }} as billing_period,
        terms.is_due,
        terms.cell_start_date,
        terms.cell_end_date,
        {{ local_date('terms.service_start_at', 'terms.time_zone')
            | indent(8) }} as segment_start_date,
        {{ last_local_date('terms.service_end_at', 'terms.time_zone')
            | indent(8) }} + 1 as segment_end_date,
        terms.service_start_at,
        terms.service_end_at,
        terms.threshold_amount,
        terms.covered_amount,
        terms.shared_amount,
        terms.weighed_by,
        terms.line_weight,
        terms.run_weight,
        terms.overage_factor,
        cast(terms.computed_amount as decimal(38, 12)) as amount_unrounded,
        terms.computed_amount,
        terms.currency_code,
        terms.exception_code,
        terms.reference_version
    from terms
    left join products on terms.product_id = products.product_id
),

of_minimums as (
    select
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id,
        bill_to_customer_id,
        legal_entity_id,
        plan_id,
        charge_id,
        charge_name,
        charge_model,
        charge_price_id,
        is_override,
        product_id,
        erp_item,
        revenue_account,
        tax_profile,
        line_kind,
        billing_timing,
        billing_period,
        is_due,
        cell_start_date,
        cell_end_date,
        segment_start_date,
        segment_end_date,
        service_start_at,
        service_end_at,
        cast(threshold_amount as decimal(38, 4)) as threshold_amount,
        covered_amount,
        shared_amount,
        weighed_by,
        line_weight,
        run_weight,
        cast(null as decimal(38, 12)) as overage_factor,
        amount_unrounded,
        computed_amount,
        currency_code,
        exception_code,
        reference_version
    from minimums
),

lines as (
    select * from of_terms
    union all
    select * from of_minimums
),

keyed as (
    select
        lines.*,
        {{ no_dimension_values() }} as dimension_key,
        currencies.minor_unit
    from lines
    left join currencies on lines.currency_code = currencies.currency_code
),

identified as (
    select
        *,
        {{ settlement_key() }} as settlement_key
    from keyed
),

final as (
    select
        {{ content_id(['settlement_key', 'contract_id', 'service_start_at']) }}
            as rated_line_id,
        settlement_key,
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id,
        bill_to_customer_id,
        legal_entity_id,
        plan_id,
        charge_id,
        charge_name,
        charge_model,
        charge_price_id,
        is_override,
        product_id,
        erp_item,
        revenue_account,
        tax_profile,
        line_kind,
        cast(null as varchar) as meter_id,
        cast(null as varchar) as aggregation,
        cast(null as varchar) as unit,
        dimension_key,
        billing_timing,
        billing_period,
        is_due,
        cell_start_date,
        cell_end_date,
        segment_start_date,
        segment_end_date,
        service_start_at,
        service_end_at,
        cast(1 as decimal(38, 9)) as quantity,
        cast(1 as decimal(38, 9)) as priced_quantity,
        cast(null as varchar) as unit_label,
        amount_unrounded as gross_amount,
        cast(0 as decimal(38, 12)) as discount_amount,
        cast(0 as decimal(38, 12)) as above_maximum_amount,
        amount_unrounded,
        computed_amount,
        currency_code,
        exception_code,
        cast(0 as bigint) as event_count,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at,
        reference_version,
        minor_unit,
        threshold_amount,
        covered_amount,
        shared_amount,
        weighed_by,
        line_weight,
        run_weight,
        overage_factor
    from identified
)

select * from final
