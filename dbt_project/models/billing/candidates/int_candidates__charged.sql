{%- set identity = [
    'legal_entity_id',
    'bill_to_customer_id',
    'currency_code',
    'document_period',
    'document_kind',
    'signed_document_count',
] -%}

with proposed as (
    select * from {{ ref('int_candidates__proposed') }}
),

small_documents as (
    select * from {{ ref('int_documents__small') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
),

-- A key is billed as a whole or not at all: with one document that is made, all are.
placed as (
    select
        proposed.*,
        coalesce(small_documents.document_period, proposed.billing_period)
            as document_period,
        bool_or(
            small_documents.billing_period is null
            or small_documents.document_period is not null
        ) over (partition by proposed.settlement_key) as is_made
    from proposed
    left join small_documents
        on
            proposed.legal_entity_id = small_documents.legal_entity_id
            and proposed.bill_to_customer_id = small_documents.bill_to_customer_id
            and proposed.currency_code = small_documents.currency_code
            and proposed.billing_period = small_documents.billing_period
            and coalesce(proposed.original_document_id, '')
            = small_documents.original_document_id
),

-- Documents that were signed before for the same bill-to and month number the next one.
signed_documents as (
    select
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period,
        count(distinct document_id) as document_count
    from entries
    where entry_kind in ('bill', 'correct')
    group by
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period
),

addressed as (
    select
        placed.*,
        coalesce(signed_documents.document_count, 0) as signed_document_count,
        sum(placed.amount) over (
            partition by
                placed.legal_entity_id,
                placed.bill_to_customer_id,
                placed.currency_code,
                placed.document_period,
                placed.original_document_id
        ) as document_amount
    from placed
    left join signed_documents
        on
            placed.legal_entity_id = signed_documents.legal_entity_id
            and placed.bill_to_customer_id = signed_documents.bill_to_customer_id
            and placed.currency_code = signed_documents.currency_code
            and placed.document_period = signed_documents.billing_period
    where placed.is_made
),

kinded as (
    select
        *,
        case when document_amount < 0 then 'credit_memo' else 'invoice' end
            as document_kind
    from addressed
),

identified as (
    select
        *,
        case
            when original_document_id is null then {{ content_id(identity) }}
            else {{ content_id(identity + ['original_document_id']) }}
        end as document_id
    from kinded
),

final as (
    select
        document_id,
        document_kind,
        original_document_id,
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        document_period as billing_period,
        rated_line_id,
        charge_name,
        service_start_date,
        service_end_date,
        service_start_at,
        service_end_at,
        description,
        quantity,
        unit_label,
        unit_price_display,
        rated_amount,
        billed_amount_before,
        amount,
        cause,
        event_count,
        cast(digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from identified
)

select * from final
