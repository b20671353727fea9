with entries as (
    select * from {{ ref('stg_register__entries') }}
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
),

erp_documents as (
    select * from {{ ref('stg_operations__erp_documents') }}
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
    inner join erp_documents on entries.posting_key = erp_documents.posting_key
    where
        entries.entry_kind
        in ('bill', 'correct', 'credit_draw', 'credit_restore')
        and postings.state = 'posted'
),

erp_lines as (
    select
        erp_documents.posting_key,
        erp_documents.legal_entity_id,
        erp_documents.customer_id,
        erp_documents.currency_code,
        {{ each_of(erp_document_lines('erp_documents.lines')) }} as erp_line
    from erp_documents
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

erp_register_lines as (
    select
        'legal_entity' as scope_kind,
        legal_entity_id as scope_id,
        count(*) filter (where is_signed) as left_figure,
        count(*) filter (where is_equal) as right_figure,
        count(*) filter (where not is_equal) as broken_count
    from compared_lines
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

erp_amounts as (
    select
        'currency' as scope_kind,
        posted_amounts.currency_code as scope_id,
        sum(posted_amounts.amount) as left_figure,
        sum(erp_documents.total_amount) as right_figure,
        count(*) filter (where posted_amounts.amount <> erp_documents.total_amount)
            as broken_count
    from posted_amounts
    inner join erp_documents on posted_amounts.posting_key = erp_documents.posting_key
    group by posted_amounts.currency_code
),

final as (
    {{ conserved_figures('int_erp_lines__conserved') }}
)

select * from final
