with entries as (
    select * from {{ ref('stg_register__entries') }}
    where
        entry_kind in ('credit_draw', 'credit_restore')
        and settlement_key is not null
),

-- What came back came off the document that the credit had been drawn for.
placed as (
    select
        *,
        case
            when entry_kind = 'credit_restore'
                then coalesce(original_document_id, document_id)
            else coalesce(document_id, original_document_id)
        end as paid_document_id
    from entries
),

final as (
    select
        paid_document_id as document_id,
        settlement_key,
        credit_grant_id,
        {% for part in settlement_key_parts() -%}
        min_by({{ part }}, register_sequence) as {{ part }},
        {% endfor -%}
        min_by(rated_line_id, register_sequence) as rated_line_id,
        min_by(service_start_date, register_sequence) as service_start_date,
        min_by(service_end_date, register_sequence) as service_end_date,
        min_by(service_start_at, register_sequence) as service_start_at,
        min_by(service_end_at, register_sequence) as service_end_at,
        min_by(description, register_sequence) as description,
        min_by(line_number, register_sequence) as line_number,
        cast(-sum(amount) as decimal(38, 4)) as paid_amount,
        cast(-sum(quantity) as decimal(38, 9)) as paid_quantity
    from placed
    where paid_document_id is not null
    group by paid_document_id, settlement_key, credit_grant_id
    having sum(amount) < 0
)

select * from final
