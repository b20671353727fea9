{{ config(materialized='view') }}

with lines as (
    select * from {{ ref('fct_rated_lines') }}
    where line_kind not in ('usage', 'fee')
),

worded as (
    select
        *,
        {% for weight in ['line_weight', 'run_weight'] -%}
        case
            when weighed_by = 'time'
                then {{ decimal_text(from_scaled_integer(weight, 6)) | indent(16) }}
            else {{ decimal_text(from_scaled_integer(
                weight ~ ' * ' ~ power_of_ten('4 - minor_unit'), 4
            )) | indent(12) }}
        end as {{ weight }}_text,
        {% endfor -%}
        charge_name || ', '
        || {{ days_text('segment_start_date', 'segment_end_date') }} as charge_words,
        currency_code || ' ' || {{ grouped_text(
            price_text('threshold_amount', 'minor_unit')
        ) | indent(8) }} as threshold_words,
        currency_code || ' ' || {{ grouped_text(
            price_text('covered_amount', 'minor_unit')
        ) | indent(8) }} as covered_words,
        currency_code || ' ' || {{ grouped_text(
            price_text('abs(shared_amount)', 'minor_unit')
        ) | indent(8) }} as shared_words
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
        end
        || case when shared_amount <> 0 then ', part of ' || shared_words else '' end
            as description
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
            ['shared_amount', decimal_text('shared_amount')],
            ['weighed_by', 'weighed_by'],
            ['line_weight', 'line_weight_text'],
            ['run_weight', 'run_weight_text'],
            ['contract_version', 'contract_version'],
            ['amount_unrounded', decimal_text('amount_unrounded')],
            ['amount', decimal_text('computed_amount')],
            ['exception_code', 'exception_code'],
        ]) }} as derivation
    from described
)

select * from final
