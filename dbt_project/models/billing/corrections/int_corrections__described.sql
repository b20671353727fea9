with corrections as (
    select * from {{ ref('int_corrections__placed') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

terms as (
    select * from {{ ref('stg_price_book__terms') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('bill', 'correct')
),

currencies as (
    select * from {{ ref('currencies') }}
),

rated_keys as (
    select
        rated_lines.settlement_key,
        min_by(rated_lines.rated_line_id, rated_lines.service_start_at)
            as rated_line_id,
        min(rated_lines.charge_name) as charge_name,
        min(rated_lines.segment_start_date) as service_start_date,
        max(rated_lines.segment_end_date) as service_end_date,
        min(rated_lines.service_start_at) as service_start_at,
        max(rated_lines.service_end_at) as service_end_at,
        sum(rated_lines.priced_quantity) as priced_quantity,
        min({{ sold_unit('rated_lines', 'charges') }}) as unit_label,
        cast(sum(rated_lines.event_count) as bigint) as event_count,
        sum(rated_lines.digest_sum_1) as digest_sum_1,
        sum(rated_lines.digest_sum_2) as digest_sum_2
    from rated_lines
    semi join corrections on rated_lines.settlement_key = corrections.settlement_key
    left join charges on rated_lines.charge_price_id = charges.charge_price_id
    group by rated_lines.settlement_key
),

last_entries as (
    select
        settlement_key,
        max_by(rated_line_id, register_sequence) as rated_line_id,
        max_by(unit_label, register_sequence) as unit_label
    from entries
    group by settlement_key
),

-- What is no longer rated is still called by its name.
names as (
    select
        charge_id,
        max_by(charge_name, effective_from_date) as charge_name
    from charges
    group by charge_id
    union all
    select
        term_id as charge_id,
        max(term_name) as charge_name
    from terms
    group by term_id
),

joined as (
    select
        corrections.settlement_key,
        corrections.original_document_id,
        corrections.amount,
        settlements.rated_amount,
        settlements.billed_amount,
        settlements.waived_amount,
        settlements.currency_code,
        currencies.minor_unit,
        coalesce(rated_keys.rated_line_id, last_entries.rated_line_id) as rated_line_id,
        coalesce(rated_keys.charge_name, names.charge_name, settlements.charge_id)
            as charge_name,
        nullif({{ dimensions_text('settlements.dimension_key') }}, '') as dimensions,
        coalesce(rated_keys.service_start_date, settlements.cell_start_date)
            as service_start_date,
        coalesce(rated_keys.service_end_date, settlements.cell_end_date)
            as service_end_date,
        coalesce(rated_keys.service_start_at, settlements.billed_service_start_at)
            as service_start_at,
        coalesce(rated_keys.service_end_at, settlements.billed_service_end_at)
            as service_end_at,
        cast(coalesce(rated_keys.priced_quantity, 0) as decimal(38, 9)) as quantity,
        coalesce(rated_keys.unit_label, last_entries.unit_label) as unit_label,
        coalesce(rated_keys.event_count, 0) as event_count,
        coalesce(rated_keys.digest_sum_1, 0) as digest_sum_1,
        coalesce(rated_keys.digest_sum_2, 0) as digest_sum_2
    from corrections
    inner join settlements on corrections.settlement_key = settlements.settlement_key
    left join currencies on settlements.currency_code = currencies.currency_code
    left join rated_keys on corrections.settlement_key = rated_keys.settlement_key
    left join last_entries on corrections.settlement_key = last_entries.settlement_key
    left join names on settlements.charge_id = names.charge_id
),

worded as (
    select
        *,
        original_document_id is not null
        or billed_amount <> 0
        or waived_amount = 0 as is_correction,
        charge_name || coalesce(' (' || dimensions || ')', '') as charge_text,
        ', ' || {{ days_text('service_start_date', 'service_end_date') }} || ': '
        || {{ money_words('currency_code', price_text('rated_amount', 'minor_unit')) }}
            as rated_words,
        {{ money_words('currency_code', price_text('billed_amount', 'minor_unit')) }}
            as billed_words,
        {{ money_words(
            'currency_code', price_text('rated_amount + waived_amount', 'minor_unit')
        ) }} as gross_words
    from joined
),

phrased as (
    select
        *,
        case when is_correction then 'Correction: ' else '' end as beginning,
        rated_words
        || case
            when is_correction then ' instead of ' || billed_words
            else ' of ' || gross_words
        end as difference_words
    from worded
),

final as (
    select
        settlement_key,
        original_document_id,
        rated_line_id,
        charge_name,
        service_start_date,
        service_end_date,
        service_start_at,
        service_end_at,
        beginning
        || case
            when length(charge_text || difference_words) <= 238 then charge_text
            else left(charge_text, 237 - length(difference_words)) || '…'
        end
        || difference_words as description,
        quantity,
        unit_label,
        amount,
        is_correction,
        event_count,
        cast(digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from phrased
)

select * from final
