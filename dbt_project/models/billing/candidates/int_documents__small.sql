{%- set address = ['legal_entity_id', 'bill_to_customer_id', 'currency_code'] -%}

with proposed as (
    select * from {{ ref('int_candidates__proposed') }}
),

smallest_documents as (
    select * from {{ ref('stg_policy__smallest_documents') }}
),

-- Counted without signs: what one line takes back of another is no less to be told.
documents as (
    select
        proposed.{{ address | join(',\n        proposed.') }},
        proposed.billing_period,
        coalesce(proposed.original_document_id, '') as original_document_id,
        sum(abs(proposed.amount)) as turnover_amount,
        min(smallest_documents.smallest_amount) as smallest_amount
    from proposed
    inner join smallest_documents
        on proposed.currency_code = smallest_documents.currency_code
    group by
        proposed.{{ address | join(',\n        proposed.') }},
        proposed.billing_period,
        coalesce(proposed.original_document_id, '')
),

-- What is new waits for the next document of the customer that is large enough.
followed as (
    select
        *,
        case
            when original_document_id = ''
                then
                    min(
                        case
                            when turnover_amount >= smallest_amount then billing_period
                        end
                    ) over (
                        partition by {{ address | join(', ') }}, original_document_id
                        order by billing_period
                        rows between current row and unbounded following
                    )
        end as next_period
    from documents
),

-- Small ones that follow each other are large enough together, or wait together.
gathered as (
    select
        *,
        case
            when original_document_id = ''
                then
                    sum(turnover_amount) over (
                        partition by
                            {{ address | join(', ') }},
                            original_document_id,
                            next_period
                    )
            else turnover_amount
        end as gathered_amount,
        max(billing_period) over (
            partition by {{ address | join(', ') }}, original_document_id, next_period
        ) as last_period
    from followed
),

final as (
    select
        {{ address | join(',\n        ') }},
        billing_period,
        original_document_id,
        cast(turnover_amount as decimal(38, 4)) as turnover_amount,
        case
            when next_period is not null then next_period
            when gathered_amount >= smallest_amount then last_period
        end as document_period
    from gathered
    where turnover_amount < smallest_amount
)

select * from final
