{{ config(materialized='view') }}

with lines as (
    select * from {{ ref('fct_rated_lines') }}
    where line_kind not in ('usage', 'fee')
),

worded as (
    select
        *,
        charge_name || ', '
        || {{ days_text('segment_start_date', 'segment_end_date') }} as charge_words,
        currency_code || ' ' || {{ grouped_text(
            price_text('threshold_amount', 'minor_unit')
        ) | indent(8) }} as threshold_words,
        currency_code || ' ' || {{ grouped_text(
            price_text('covered_amount', 'minor_unit')
        ) | indent(8) }} as covered_words
    from lines
),

described as (
    select
        *,
        charge_words || case line_kind
            when 'minimum' then ', up to the minimum of ' || threshold_words
            when 'true_up'
                then ', up to the commitment of ' || threshold_words
            when 'overage'
                then
                    ', above the commitment of ' || threshold_words || ' at '
                    || {{ decimal_text('overage_factor') }} || ' of its price'
            when 'cap' then ', down to the maximum of ' || threshold_words
            else ''
        end as description
    from worded
),

final as (
    select
        rated_line_id,
        {{ price_text('computed_amount', 'minor_unit') }} as unit_price_display,
        substr(description, 1, 250) as description,
        {{ json_object_text([
            ['line_kind', 'line_kind'],
            ['term_id', 'charge_price_id'],
            ['term_name', 'charge_name'],
            ['threshold_amount', decimal_text('threshold_amount')],
            ['covered_amount', decimal_text('covered_amount')],
            ['overage_factor', decimal_text('overage_factor')],
            ['contract_version', 'contract_version'],
            ['amount_unrounded', decimal_text('amount_unrounded')],
            ['amount', decimal_text('computed_amount')],
            ['exception_code', 'exception_code'],
        ]) }} as derivation
    from described
)

select * from final
