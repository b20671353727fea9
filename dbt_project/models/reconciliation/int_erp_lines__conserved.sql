with entries as (
    select * from {{ ref('stg_register__entries') }}
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
),

erp_documents as (
    select * from {{ ref('stg_operations__erp_documents') }}
),

-- What finance signed of documents that were made by hand in the ERP.
recorded_documents as (
    select
        erp_document_number,
        min(legal_entity_id) as legal_entity_id,
        min(bill_to_customer_id) as bill_to_customer_id,
        min(currency_code) as currency_code,
        sum(amount) as amount
    from entries
    where erp_document_number is not null
    group by erp_document_number
),

hand_made as (
    select
        erp_documents.*,
        recorded_documents.amount as recorded_amount,
        recorded_documents.bill_to_customer_id as recorded_customer_id,
        recorded_documents.legal_entity_id as recorded_entity_id
    from erp_documents
    inner join recorded_documents
        on
            erp_documents.document_number = recorded_documents.erp_document_number
            and erp_documents.currency_code = recorded_documents.currency_code
    anti join postings on erp_documents.posting_key = postings.posting_key
),

released as (
    select distinct original_document_id as document_id
    from entries
    where entry_kind = 'release'
),

-- A document that was cancelled or is gone, and was released, is to be told no more.
told_documents as (
    select erp_documents.*
    from erp_documents
    left join postings on erp_documents.posting_key = postings.posting_key
    left join released on postings.document_id = released.document_id
    anti join hand_made on erp_documents.posting_key = hand_made.posting_key
    where
        released.document_id is null
        or erp_documents.status not in ('cancelled', 'missing')
),

-- 7. Documents as signed against documents as the ERP holds them, line by line.
posted_lines as (
    select
        entries.posting_key,
        entries.line_number,
        entries.legal_entity_id,
        entries.bill_to_customer_id,
        entries.currency_code,
        entries.erp_item,
        entries.amount
    from entries
    inner join postings on entries.posting_key = postings.posting_key
    inner join told_documents on entries.posting_key = told_documents.posting_key
    where
        entries.entry_kind
        in ('bill', 'correct', 'credit_draw', 'credit_restore')
        and postings.state = 'posted'
),

erp_lines as (
    select
        told_documents.posting_key,
        told_documents.legal_entity_id,
        told_documents.customer_id,
        told_documents.currency_code,
        {{ each_of(erp_document_lines('told_documents.lines')) }} as erp_line
    from told_documents
),

erp_line_columns as (
    select
        erp_lines.posting_key,
        erp_lines.legal_entity_id,
        erp_lines.customer_id,
        erp_lines.currency_code,
        erp_lines.erp_line.line_number,
        erp_lines.erp_line.erp_item,
        cast(erp_lines.erp_line.amount as decimal(38, 4)) as amount
    from erp_lines
),

compared_lines as (
    select
        coalesce(posted_lines.legal_entity_id, erp_line_columns.legal_entity_id, 'none')
            as legal_entity_id,
        posted_lines.posting_key is not null as is_signed,
        coalesce(
            posted_lines.amount = erp_line_columns.amount
            and posted_lines.erp_item = erp_line_columns.erp_item
            and posted_lines.currency_code = erp_line_columns.currency_code
            and posted_lines.bill_to_customer_id = erp_line_columns.customer_id
            and posted_lines.legal_entity_id = erp_line_columns.legal_entity_id,
            false
        ) as is_equal
    from posted_lines
    full outer join erp_line_columns
        on
            posted_lines.posting_key = erp_line_columns.posting_key
            and posted_lines.line_number = erp_line_columns.line_number
),

lines as (
    select
        legal_entity_id,
        is_signed,
        is_equal
    from compared_lines
    union all
    select
        recorded_entity_id as legal_entity_id,
        true as is_signed,
        recorded_amount = total_amount
        and coalesce(customer_id = recorded_customer_id, true)
        and coalesce(legal_entity_id = recorded_entity_id, true) as is_equal
    from hand_made
),

erp_register_lines as (
    select
        'legal_entity' as scope_kind,
        legal_entity_id as scope_id,
        count(*) filter (where is_signed) as left_figure,
        count(*) filter (where is_equal) as right_figure,
        count(*) filter (where not is_equal) as broken_count
    from lines
    group by legal_entity_id
),

posted_amounts as (
    select
        posting_key,
        currency_code,
        sum(amount) as amount
    from posted_lines
    group by posting_key, currency_code
),

amounts as (
    select
        posted_amounts.currency_code,
        posted_amounts.amount as signed_amount,
        told_documents.total_amount
    from posted_amounts
    inner join told_documents on posted_amounts.posting_key = told_documents.posting_key
    union all
    select
        currency_code,
        recorded_amount as signed_amount,
        total_amount
    from hand_made
),

erp_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(signed_amount) as left_figure,
        sum(total_amount) as right_figure,
        count(*) filter (where signed_amount <> total_amount) as broken_count
    from amounts
    group by currency_code
),

final as (
    {{ conserved_figures('int_erp_lines__conserved') }}
)

select * from final
