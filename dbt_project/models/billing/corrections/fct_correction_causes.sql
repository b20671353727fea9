with entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind = 'correct' and revision_id is not null
),

causes as (
    select * from {{ ref('stg_register__correction_causes') }}
),

final as (
    select
        entries.register_sequence,
        entries.entry_number,
        entries.revision_id,
        entries.document_id,
        entries.original_document_id,
        entries.line_number,
        entries.settlement_key,
        entries.legal_entity_id,
        entries.bill_to_customer_id,
        entries.customer_id,
        entries.contract_lineage_id,
        entries.charge_id,
        entries.line_kind,
        entries.billing_period,
        strftime(entries.accounting_date, '%Y-%m') as accounting_period,
        coalesce(causes.cause_number, 0) as cause_number,
        coalesce(causes.cause, 'not_told') as cause,
        causes.correction_kind,
        coalesce(causes.amount, entries.amount) as amount,
        entries.currency_code
    from entries
    left join causes
        on
            entries.revision_id = causes.revision_id
            and entries.document_id = causes.document_id
            and entries.line_number = causes.line_number
)

select * from final
