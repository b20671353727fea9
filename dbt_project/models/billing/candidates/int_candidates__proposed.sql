{{ config(materialized='view') }}

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
        and settlements.waived_amount = 0
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
        case when corrections.is_correction then 'correction' else 'new' end as cause,
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

final as (
    select
        lines.settlement_key,
        {% for part in settlement_key_parts() -%}
        settlements.{{ part }},
        {% endfor -%}
        settlements.billing_period,
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
        settlements.rated_amount,
        settlements.billed_amount as billed_amount_before,
        lines.amount,
        lines.cause,
        lines.event_count,
        cast(lines.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(lines.digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from lines
    inner join settlements on lines.settlement_key = settlements.settlement_key
)

select * from final
