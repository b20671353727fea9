with lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
),

final as (
    select
        document_id,
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period,
        document_kind,
        original_document_id,
        count(*) as line_count,
        cast(sum(amount) as decimal(38, 4)) as amount
    from lines
    group by
        document_id,
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period,
        document_kind,
        original_document_id
)

select * from final
