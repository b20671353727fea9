with rated_lines as (
    select
        customer_id,
        billing_period,
        currency_code,
        product_id,
        amount
    from {{ ref('fct_rated_lines') }}
    where billing_period is not null and customer_id is not null
),

entries as (
    select
        customer_id,
        billing_period,
        currency_code,
        posting_key,
        amount
    from {{ ref('stg_register__entries') }}
    where entry_kind in ('bill', 'correct', 'release', 'external', 'concession')
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
),

erp_documents as (
    select * from {{ ref('stg_operations__erp_documents') }}
),

exceptions as (
    select
        customer_id,
        billing_period,
        currency_code
    from {{ ref('fct_exceptions') }}
    where
        customer_id is not null
        and billing_period is not null
        and state = 'open'
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

rated as (
    select
        customer_id,
        billing_period,
        currency_code,
        coalesce(sum(amount), 0) as rated_amount
    from rated_lines
    group by customer_id, billing_period, currency_code
),

billed as (
    select
        customer_id,
        billing_period,
        currency_code,
        sum(amount) as billed_amount
    from entries
    group by customer_id, billing_period, currency_code
),

subjects as (
    select
        customer_id,
        billing_period,
        currency_code
    from rated
    union
    select
        customer_id,
        billing_period,
        currency_code
    from billed
),

products_rated as (
    select
        customer_id,
        billing_period,
        currency_code,
        product_id,
        sum(amount) as product_amount
    from rated_lines
    where amount > 0
    group by customer_id, billing_period, currency_code, product_id
),

products_ranked as (
    select
        customer_id,
        billing_period,
        currency_code,
        product_id,
        product_amount,
        row_number() over (
            partition by customer_id, billing_period, currency_code
            order by product_amount desc, product_id asc
        ) as product_rank
    from products_rated
),

customer_documents as (
    select distinct
        customer_id,
        billing_period,
        currency_code,
        posting_key
    from entries
    where posting_key is not null
),

documents_followed as (
    select
        customer_documents.customer_id,
        customer_documents.billing_period,
        customer_documents.currency_code,
        erp_documents.document_number,
        case
            when
                postings.state in ('rejected', 'unknown', 'abandoned')
                or postings.error_code like 'posted_%'
                or erp_documents.status in ('cancelled', 'missing')
                then 'needs_attention'
            when erp_documents.status = 'paid' then 'paid'
            when postings.state = 'posted' then 'posted'
            else 'signed'
        end as document_status
    from customer_documents
    left join postings
        on customer_documents.posting_key = postings.posting_key
    left join erp_documents
        on customer_documents.posting_key = erp_documents.posting_key
),

documents_counted as (
    select
        customer_id,
        billing_period,
        currency_code,
        count(*) as document_count,
        sum(case when document_status = 'needs_attention' then 1 else 0 end)
            as attention_count,
        sum(case when document_status = 'signed' then 1 else 0 end) as signed_count,
        sum(case when document_status = 'posted' then 1 else 0 end) as posted_count,
        max(document_number) as latest_document_number
    from documents_followed
    group by customer_id, billing_period, currency_code
),

exceptions_counted as (
    select
        subjects.customer_id,
        subjects.billing_period,
        subjects.currency_code,
        count(*) as open_exception_count
    from subjects
    inner join exceptions
        on
            subjects.customer_id = exceptions.customer_id
            and subjects.billing_period = exceptions.billing_period
            and coalesce(exceptions.currency_code, subjects.currency_code)
            = subjects.currency_code
    group by subjects.customer_id, subjects.billing_period, subjects.currency_code
),

months as (
    select
        customer_id,
        currency_code,
        rated_amount,
        cast(substr(billing_period, 1, 4) as integer) * 12
        + cast(substr(billing_period, 6, 2) as integer) as month_number
    from rated
),

numbered as (
    select
        customer_id,
        billing_period,
        currency_code,
        cast(substr(billing_period, 1, 4) as integer) * 12
        + cast(substr(billing_period, 6, 2) as integer) as month_number
    from subjects
),

final as (
    select
        cast(
            numbered.customer_id || '/' || numbered.billing_period || '/'
            || numbered.currency_code as varchar
        ) as customer_signal_id,
        cast(numbered.customer_id as varchar) as customer_id,
        cast(customers.customer_name as varchar) as customer_name,
        cast(customers.crm_account_id as varchar) as crm_account_id,
        cast(numbered.billing_period as varchar) as billing_period,
        cast(numbered.currency_code as varchar) as currency_code,
        cast(coalesce(rated.rated_amount, 0) as decimal(38, 4)) as rated_amount,
        cast(coalesce(billed.billed_amount, 0) as decimal(38, 4)) as billed_amount,
        cast(months.rated_amount as decimal(38, 4)) as rated_amount_month_before,
        cast(
            coalesce(rated.rated_amount, 0) - months.rated_amount as decimal(38, 4)
        ) as rated_amount_change,
        cast(products_ranked.product_id as varchar) as top_product_id,
        cast(products_ranked.product_amount as decimal(38, 4)) as top_product_amount,
        cast(coalesce(exceptions_counted.open_exception_count, 0) as bigint)
            as open_exception_count,
        cast(coalesce(documents_counted.document_count, 0) as bigint)
            as document_count,
        cast(
            case
                when documents_counted.document_count is null then 'not_billed'
                when documents_counted.attention_count > 0 then 'needs_attention'
                when documents_counted.signed_count > 0 then 'signed'
                when documents_counted.posted_count > 0 then 'posted'
                else 'paid'
            end as varchar
        ) as invoice_status,
        cast(documents_counted.latest_document_number as varchar)
            as latest_document_number
    from numbered
    left join customers
        on numbered.customer_id = customers.customer_id
    left join rated
        on
            numbered.customer_id = rated.customer_id
            and numbered.billing_period = rated.billing_period
            and numbered.currency_code = rated.currency_code
    left join billed
        on
            numbered.customer_id = billed.customer_id
            and numbered.billing_period = billed.billing_period
            and numbered.currency_code = billed.currency_code
    left join months
        on
            numbered.customer_id = months.customer_id
            and numbered.currency_code = months.currency_code
            and numbered.month_number = months.month_number + 1
    left join products_ranked
        on
            numbered.customer_id = products_ranked.customer_id
            and numbered.billing_period = products_ranked.billing_period
            and numbered.currency_code = products_ranked.currency_code
            and products_ranked.product_rank = 1
    left join exceptions_counted
        on
            numbered.customer_id = exceptions_counted.customer_id
            and numbered.billing_period = exceptions_counted.billing_period
            and numbered.currency_code = exceptions_counted.currency_code
    left join documents_counted
        on
            numbered.customer_id = documents_counted.customer_id
            and numbered.billing_period = documents_counted.billing_period
            and numbered.currency_code = documents_counted.currency_code
)

select * from final
