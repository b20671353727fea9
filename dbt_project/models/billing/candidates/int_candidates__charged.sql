{%- set identity = [
    'legal_entity_id',
    'bill_to_customer_id',
    'currency_code',
    'billing_period',
    'document_kind',
    'signed_document_count',
] -%}

with settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome = 'candidate'
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

explanations as (
    select * from {{ ref('fct_line_explanations') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
),

billed_documents as (
    select * from {{ ref('int_billed_documents__open') }}
),

corrections as (
    select * from {{ ref('int_corrections__described') }}
),

lowering as (
    select * from corrections
    where original_document_id is not null
),

-- Of which no document stands: never billed, or each one released; and which lowers no
-- other key.
first_billed as (
    select settlements.settlement_key
    from settlements
    anti join billed_documents
        on settlements.settlement_key = billed_documents.settlement_key
    anti join lowering
        on settlements.settlement_key = lowering.settlement_key
    where
        settlements.is_rated
        and settlements.billed_amount = 0
        and settlements.conceded_amount = 0
),

-- The first bill of a key has a line per rated line; a later difference is one line for
-- each document that it corrects.
new_lines as (
    select
        rated_lines.settlement_key,
        cast(null as varchar) as original_document_id,
        rated_lines.rated_line_id,
        rated_lines.charge_name,
        rated_lines.segment_start_date as service_start_date,
        rated_lines.segment_end_date as service_end_date,
        rated_lines.service_start_at,
        rated_lines.service_end_at,
        explanations.description,
        rated_lines.priced_quantity as quantity,
        {{ sold_unit('rated_lines', 'charges') }} as unit_label,
        explanations.unit_price_display,
        rated_lines.amount,
        'new' as cause,
        rated_lines.event_count,
        rated_lines.digest_sum_1,
        rated_lines.digest_sum_2
    from rated_lines
    semi join first_billed on rated_lines.settlement_key = first_billed.settlement_key
    inner join explanations on rated_lines.rated_line_id = explanations.rated_line_id
    left join charges on rated_lines.charge_price_id = charges.charge_price_id
    where rated_lines.amount <> 0
),

corrected_lines as (
    select
        corrections.settlement_key,
        corrections.original_document_id,
        corrections.rated_line_id,
        corrections.charge_name,
        corrections.service_start_date,
        corrections.service_end_date,
        corrections.service_start_at,
        corrections.service_end_at,
        corrections.description,
        corrections.quantity,
        corrections.unit_label,
        cast(null as varchar) as unit_price_display,
        corrections.amount,
        'correction' as cause,
        corrections.event_count,
        corrections.digest_sum_1,
        corrections.digest_sum_2
    from corrections
    anti join first_billed on corrections.settlement_key = first_billed.settlement_key
),

lines as (
    select * from new_lines
    union all
    select * from corrected_lines
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
        settlements.*,
        lines.original_document_id,
        lines.rated_line_id,
        lines.charge_name,
        lines.service_start_date,
        lines.service_end_date,
        lines.service_start_at,
        lines.service_end_at,
        lines.description,
        lines.quantity,
        lines.unit_label,
        lines.unit_price_display,
        lines.amount,
        lines.cause,
        lines.event_count,
        lines.digest_sum_1,
        lines.digest_sum_2,
        coalesce(signed_documents.document_count, 0) as signed_document_count,
        sum(lines.amount) over (
            partition by
                settlements.legal_entity_id,
                settlements.bill_to_customer_id,
                settlements.currency_code,
                settlements.billing_period,
                lines.original_document_id
        ) as document_amount
    from lines
    inner join settlements on lines.settlement_key = settlements.settlement_key
    left join signed_documents
        on
            settlements.legal_entity_id = signed_documents.legal_entity_id
            and settlements.bill_to_customer_id = signed_documents.bill_to_customer_id
            and settlements.currency_code = signed_documents.currency_code
            and settlements.billing_period = signed_documents.billing_period
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
        billing_period,
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
        billed_amount as billed_amount_before,
        amount,
        cause,
        event_count,
        cast(digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from identified
)

select * from final
