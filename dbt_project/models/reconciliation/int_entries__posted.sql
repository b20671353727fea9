{#-
    Entries of the kinds that change what a customer owes, beside what the ERP holds of them. A
    payment is known of a document only: what was paid of a part of one is shared over its lines by
    their amounts, in minor units, by largest remainder.
-#}

with entries as (
    select * from {{ ref('stg_register__entries') }}
    where
        settlement_key is not null
        and entry_kind in {{ owing_entry_kinds() }}
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
),

erp_documents as (
    select * from {{ ref('stg_operations__erp_documents') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

released as (
    select distinct original_document_id as document_id
    from entries
    where entry_kind = 'release'
),

standing_documents as (
    select * from erp_documents
    where status in ('posted', 'paid')
),

erp_lines as (
    select
        standing_documents.posting_key,
        standing_documents.document_number,
        standing_documents.customer_id,
        standing_documents.currency_code,
        {{ each_of(erp_document_lines('standing_documents.lines')) }} as erp_line
    from standing_documents
),

erp_line_columns as (
    select
        posting_key,
        document_number,
        customer_id,
        currency_code,
        erp_line.line_number,
        erp_line.erp_item,
        cast(erp_line.amount as decimal(38, 4)) as amount
    from erp_lines
),

document_entries as (
    select * from entries
    where posting_key is not null
),

-- Recorded beside bills: by hand in the ERP, where the entry names its document.
recorded_entries as (
    select * from entries
    where posting_key is null
),

recorded_numbers as (
    select distinct
        erp_document_number,
        currency_code
    from recorded_entries
    where erp_document_number is not null
),

document_lines as (
    select
        coalesce(document_entries.posting_key, erp_line_columns.posting_key)
            as posting_key,
        coalesce(document_entries.line_number, erp_line_columns.line_number)
            as line_number,
        document_entries.register_sequence,
        document_entries.entry_number,
        document_entries.settlement_key,
        document_entries.entry_kind,
        document_entries.document_id,
        coalesce(document_entries.customer_id, erp_line_columns.customer_id)
            as customer_id,
        coalesce(document_entries.erp_item, erp_line_columns.erp_item) as erp_item,
        coalesce(document_entries.currency_code, erp_line_columns.currency_code)
            as currency_code,
        document_entries.amount as signed_amount,
        erp_line_columns.amount as posted_amount
    from document_entries
    full outer join erp_line_columns
        on
            document_entries.posting_key = erp_line_columns.posting_key
            and document_entries.line_number = erp_line_columns.line_number
    left join recorded_numbers
        on
            erp_line_columns.document_number = recorded_numbers.erp_document_number
            and erp_line_columns.currency_code = recorded_numbers.currency_code
    where
        document_entries.posting_key is not null
        or recorded_numbers.erp_document_number is null
),

placed_lines as (
    select
        document_lines.*,
        case
            when document_lines.settlement_key is null then 'not_in_register'
            when released.document_id is not null then 'released'
            when document_lines.posted_amount <> document_lines.signed_amount
                then 'changed_in_erp'
            when document_lines.posted_amount is not null then null
            when postings.state = 'rejected' then 'rejected_by_erp'
            when postings.state = 'abandoned' then 'posting_abandoned'
            when coalesce(postings.state <> 'posted', true) then 'not_posted'
            when erp_documents.posting_key is null then 'not_read_back'
            when erp_documents.status = 'missing' then 'missing_in_erp'
            when erp_documents.status = 'cancelled' then 'cancelled_in_erp'
            else 'changed_in_erp'
        end as reason
    from document_lines
    left join released on document_lines.document_id = released.document_id
    left join postings on document_lines.posting_key = postings.posting_key
    left join erp_documents on document_lines.posting_key = erp_documents.posting_key
),

placed_records as (
    select
        erp_documents.posting_key,
        recorded_entries.register_sequence,
        recorded_entries.entry_number,
        recorded_entries.settlement_key,
        recorded_entries.entry_kind,
        recorded_entries.customer_id,
        recorded_entries.erp_item,
        recorded_entries.currency_code,
        recorded_entries.amount as signed_amount,
        case
            when erp_documents.status in ('posted', 'paid') then recorded_entries.amount
        end as posted_amount,
        case
            when recorded_entries.cause = 'release' then 'released'
            when recorded_entries.erp_document_number is null then 'no_document'
            when erp_documents.posting_key is null then 'not_read_back'
            when erp_documents.status = 'cancelled' then 'cancelled_in_erp'
            when erp_documents.status not in ('posted', 'paid') then 'not_posted'
        end as reason
    from recorded_entries
    left join erp_documents
        on
            recorded_entries.erp_document_number = erp_documents.document_number
            and recorded_entries.currency_code = erp_documents.currency_code
),

placed as (
    select
        posting_key,
        line_number,
        register_sequence,
        entry_number,
        settlement_key,
        entry_kind,
        customer_id,
        erp_item,
        currency_code,
        signed_amount,
        posted_amount,
        reason
    from placed_lines
    union all
    select
        posting_key,
        entry_number as line_number,
        register_sequence,
        entry_number,
        settlement_key,
        entry_kind,
        customer_id,
        erp_item,
        currency_code,
        signed_amount,
        posted_amount,
        reason
    from placed_records
),

weighed as (
    select
        placed.*,
        coalesce(placed.register_sequence, 0) as place_number,
        standing_documents.total_amount,
        standing_documents.balance_amount,
        {{ power_of_ten('4 - coalesce(currencies.minor_unit, 4)') }} as minor_step,
        sum(placed.posted_amount) over (partition by placed.posting_key)
            as lines_amount
    from placed
    left join standing_documents
        on
            placed.posting_key = standing_documents.posting_key
            and placed.posted_amount is not null
    left join currencies on placed.currency_code = currencies.currency_code
),

-- In minor units, by size: a credit memo is paid out as an invoice is paid.
partly_paid as (
    select
        posting_key,
        line_number,
        place_number,
        minor_step,
        sign(lines_amount) as direction,
        row_number() over (
            partition by posting_key order by place_number, line_number
        ) as share_number,
        {{ whole_quotient(
            scaled_integer('abs(total_amount - balance_amount)', 4), 'minor_step'
        ) }} as settled_units,
        {{ whole_quotient(scaled_integer('abs(lines_amount)', 4), 'minor_step') }}
            as whole_units,
        cast(sign(lines_amount) as {{ whole_number() }})
        * {{ whole_quotient(scaled_integer('posted_amount', 4), 'minor_step') }}
            as line_units
    from weighed
    where
        balance_amount <> 0
        and balance_amount <> total_amount
        and lines_amount <> 0
        and posted_amount is not null
),

{{ in_shares(
    'partly_paid',
    [['settled_units', 'line_units', 'whole_units', 'paid']],
    'posting_key',
    'share_number',
    'shared'
) }},

paid_parts as (
    select
        posting_key,
        line_number,
        place_number,
        {{ from_scaled_integer('paid_share * minor_step * direction', 4) }}
            as paid_amount
    from shared
),

settled as (
    select
        weighed.*,
        case
            when weighed.posted_amount is null then 0
            when weighed.balance_amount = 0 then weighed.posted_amount
            else coalesce(paid_parts.paid_amount, 0)
        end as paid_amount
    from weighed
    left join paid_parts
        on
            weighed.posting_key = paid_parts.posting_key
            and weighed.line_number = paid_parts.line_number
            and weighed.place_number = paid_parts.place_number
),

final as (
    select
        settled.posting_key,
        cast(settled.line_number as integer) as line_number,
        settled.register_sequence,
        settled.entry_number,
        settled.settlement_key,
        settled.entry_kind,
        settled.customer_id,
        settled.erp_item,
        settled.currency_code,
        cast(coalesce(settled.signed_amount, 0) as decimal(38, 4)) as signed_amount,
        cast(coalesce(settled.posted_amount, 0) as decimal(38, 4)) as posted_amount,
        settled.posted_amount is not null as is_posted,
        settled.reason,
        cast(settled.paid_amount as decimal(38, 4)) as paid_amount,
        case
            when settled.posted_amount is null then null
            when settled.balance_amount is null then 'balance_unknown'
            when settled.paid_amount = settled.posted_amount then null
            when settled.lines_amount <> settled.total_amount then 'changed_in_erp'
            else 'unpaid'
        end as unpaid_reason
    from settled
)

select * from final
