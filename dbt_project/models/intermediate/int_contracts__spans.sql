with contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

-- A day begins where the contract's zone says; an instant is one already.
terms as (
    select
        *,
        coalesce(
            start_at,
            {{ local_day_start_at('start_date', 'time_zone') | indent(12) }}
        ) as term_start_at,
        coalesce(
            end_at,
            {{ local_day_start_at('end_date', 'time_zone') | indent(12) }},
            {{ end_of_time() }}
        ) as term_end_at
    from contracts
),

versions as (
    select
        terms.contract_id,
        terms.contract_lineage_id,
        contract_versions.contract_version,
        terms.customer_id,
        coalesce(
            contract_versions.bill_to_customer_id,
            customers.bill_to_customer_id,
            terms.customer_id
        ) as bill_to_customer_id,
        coalesce(contract_versions.legal_entity_id, terms.legal_entity_id)
            as legal_entity_id,
        coalesce(contract_versions.tax_profile, terms.tax_profile) as tax_profile,
        terms.currency_code,
        terms.time_zone,
        terms.billing_anchor_day,
        terms.children,
        contract_versions.plan_id,
        terms.term_start_at,
        terms.term_end_at,
        coalesce(
            contract_versions.effective_from_at,
            {{ local_day_start_at(
                'contract_versions.effective_from_date', 'terms.time_zone'
            ) | indent(12) }}
        ) as effective_from_at,
        terms.reference_version
    from terms
    inner join contract_versions on terms.contract_id = contract_versions.contract_id
    left join customers on terms.customer_id = customers.customer_id
),

following as (
    select
        *,
        coalesce(
            lead(effective_from_at) over (
                partition by contract_id
                order by effective_from_at, contract_version
            ),
            {{ end_of_time() }}
        ) as effective_to_at
    from versions
),

bounded as (
    select
        *,
        greatest(term_start_at, effective_from_at) as span_start_at,
        least(term_end_at, effective_to_at) as span_end_at
    from following
),

final as (
    select
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id,
        bill_to_customer_id,
        legal_entity_id,
        tax_profile,
        currency_code,
        time_zone,
        billing_anchor_day,
        children,
        plan_id,
        span_start_at,
        span_end_at,
        reference_version
    from bounded
    where span_start_at < span_end_at
)

select * from final
