{{ config(materialized='view') }}

with minimums as (
    select * from {{ ref('int_minimums__due') }}
),

charged_terms as (
    select * from {{ ref('int_terms__charged') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

-- Who holds the contract when a term's time in a cell ends is billed for it.
partied as (
    select
        charged_terms.*,
        contract_spans.contract_version,
        contract_spans.customer_id,
        contract_spans.bill_to_customer_id,
        contract_spans.legal_entity_id,
        contract_spans.tax_profile,
        contract_spans.plan_id,
        row_number() over (
            partition by
                charged_terms.contract_id,
                charged_terms.term_id,
                charged_terms.cell_start_date,
                charged_terms.line_kind
            order by contract_spans.span_start_at desc
        ) as number_from_last
    from charged_terms
    inner join contract_spans
        on
            charged_terms.contract_id = contract_spans.contract_id
            and charged_terms.service_start_at < contract_spans.span_end_at
            and charged_terms.service_end_at > contract_spans.span_start_at
),

of_terms as (
    select
        partied.contract_id,
        partied.contract_lineage_id,
        partied.contract_version,
        partied.customer_id,
        partied.bill_to_customer_id,
        partied.legal_entity_id,
        partied.plan_id,
        partied.term_id as charge_id,
        partied.term_name as charge_name,
        partied.term_kind as charge_model,
        partied.term_id as charge_price_id,
        false as is_override,
        partied.product_id,
        products.erp_item,
        products.revenue_account,
        partied.tax_profile,
        partied.line_kind,
        partied.billing_timing,
        {{ billing_period(
            'partied.billing_timing',
            local_date('partied.service_start_at', 'partied.time_zone'),
            'partied.cell_end_date'
        ) | indent(8) }} as billing_period,
        partied.is_due,
        partied.cell_start_date,
        partied.cell_end_date,
        {{ local_date('partied.service_start_at', 'partied.time_zone')
            | indent(8) }} as segment_start_date,
        {{ last_local_date('partied.service_end_at', 'partied.time_zone')
            | indent(8) }} + 1 as segment_end_date,
        partied.service_start_at,
        partied.service_end_at,
        partied.threshold_amount,
        partied.covered_amount,
        partied.overage_factor,
        cast(partied.computed_amount as decimal(38, 12)) as amount_unrounded,
        partied.computed_amount,
        partied.currency_code,
        partied.exception_code,
        partied.reference_version
    from partied
    left join products on partied.product_id = products.product_id
    where partied.number_from_last = 1
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
        overage_factor
    from identified
)

select * from final
