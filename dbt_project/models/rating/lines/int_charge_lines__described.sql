{{ config(materialized='view') }}

with lines as (
    select * from {{ ref('fct_rated_lines') }}
    where line_kind in ('usage', 'fee')
),

tiers as (
    select * from {{ ref('fct_rated_line_tiers') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

line_prices as (
    select
        rated_line_id,
        charge_price_id,
        currency_code,
        charge_model,
        unit,
        unit_label,
        minor_unit,
        coalesce(unit, '') as unit_or_none,
        coalesce(minor_unit, -1) as minor_unit_or_none
    from lines
),

{{ worded_prices('line_prices', 'prices') }},

{{ worded_tiers('tiers', 'numbered_lines', 'worded_prices') }},

joined as (
    select
        lines.*,
        {% for column in [
            'is_money',
            'fixed_amount_text',
            'rate_words',
            'has_fixed_amount',
            'has_free_quantity',
            'is_in_metered_units',
            'price_steps',
            'came_from_words',
            'metered_unit_words',
            'metered_units_words',
            'priced_unit_words',
            'priced_units_words',
            'free_words',
            'package_words',
            'event_words',
            'per_words',
        ] -%}
        worded_prices.{{ column }},
        {% endfor -%}
        case when lines.charge_model = 'seats' then lines.period_length end
            as seats_period_length,
        case
            when lines.charge_model = 'flat' then lines.charge_name
            else lines.charge_name || coalesce(
                ' (' || nullif({{ dimensions_text('lines.dimension_key') }}, '') || ')',
                ''
            )
        end as charge_text,
        coalesce(tier_texts.tier_count, 0) as tier_count,
        tier_texts.tier_prices,
        tier_texts.tier_words,
        tier_texts.only_unit_price,
        tier_texts.only_price_words,
        tier_texts.only_quantity,
        tier_texts.only_worded_quantity,
        tier_texts.tier_quantity,
        tier_texts.only_lower_quantity,
        case
            when lines.charge_model = 'stairstep'
                then {{ decimal_text('tier_texts.only_lower_quantity') }}
        end as lower_text,
        case
            when lines.charge_model = 'stairstep'
                then {{ decimal_text('tier_texts.only_upper_quantity') }}
        end as upper_text,
        case
            when tier_texts.has_flat_amount
                then {{ price_text(
                    'tier_texts.flat_amount', 'lines.minor_unit'
                ) }}
        end as flat_text,
        case
            when lines.charge_model = 'percentage'
                then {{ price_text('tier_texts.tier_quantity', 'lines.minor_unit') }}
        end as rated_text,
        tier_texts.has_unit_price,
        tier_texts.has_flat_amount,
        -- A part of a package is no package: such a line says the packages of the run.
        case
            when
                lines.charge_model = 'package'
                and lines.weighed_by = 'usage'
                and lines.line_weight <> lines.run_weight
                and not tier_texts.has_flat_amount
                then cast({{ checked(rounded_quotient(
                    '(' ~ scaled_integer('tier_texts.tier_quantity', 9)
                    ~ ' * cast(lines.run_weight as ' ~ whole_number() ~ '))',
                    '(cast(lines.line_weight as ' ~ whole_number() ~ ') * 1000000000)',
                    "'half_away'"
                )) }} as varchar)
        end as run_package_count,
        '[' || coalesce(tier_texts.tier_steps, '') || ']' as tier_steps,
        {% for weight in ['line_weight', 'run_weight'] -%}
        case
            when lines.weighed_by = 'usage'
                then {{ decimal_text(from_scaled_integer('lines.' ~ weight, 9)) }}
            else cast(lines.{{ weight }} as varchar)
        end as {{ weight }}_text,
        {% endfor -%}
        {{ decimal_text('lines.quantity') }} as quantity_text,
        {{ decimal_text('lines.converted_quantity') }} as converted_text,
        coalesce(
            {{ checked(
                'lines.converted_quantity * worded_prices.convert_divide'
                ~ ' * coalesce(lines.period_length, 1)'
            ) }}
            = {{ checked('lines.quantity * worded_prices.convert_multiply') }},
            false
        ) as is_converted_exactly,
        -- A level of a pool is priced for all children, shared by quantity and time.
        coalesce(
            lines.weighed_by = 'time'
            and lines.line_weight <> lines.share_units
            and lines.converted_quantity <> 0,
            false
        ) as is_part_of_pool,
        coalesce(lines.included_quantity > 0, false) as has_included,
        {% for name in ['converted', 'included'] -%}
        case
            when worded_prices.is_in_metered_units
                then {{ decimal_text(checked(
                    'cast(lines.' ~ name ~ '_quantity * worded_prices.convert_divide '
                    ~ 'as decimal(38, 9))'
                )) }}
            else {{ decimal_text('lines.' ~ name ~ '_quantity') }}
        end as worded_{{ name }}_quantity,
        {% endfor -%}
        coalesce(
            lines.included_quantity > 0
            and lines.included_quantity >= lines.converted_quantity,
            false
        ) as is_all_included,
        case
            when lines.discount_steps <> '[]'
                then {{ only_json_item('lines.discount_steps') }}
        end as only_discount,
        case
            when lines.discount_amount <> 0
                then {{ money_words(
                    'lines.currency_code',
                    price_text('lines.discount_amount', 'lines.minor_unit')
                ) }}
        end as discount_words,
        case
            when lines.above_maximum_amount <> 0
                then {{ money_words(
                    'lines.currency_code',
                    price_text('lines.above_maximum_amount', 'lines.minor_unit')
                ) }}
        end as above_maximum_words
    from lines
    inner join numbered_lines on lines.rated_line_id = numbered_lines.rated_line_id
    inner join worded_prices
        on numbered_lines.price_number = worded_prices.price_number
    left join tier_texts on lines.rated_line_id = tier_texts.rated_line_id
),

worded as (
    select
        *,
        ', ' || {{ days_text('segment_start_date', 'segment_end_date') }} as days_words,
        case
            when is_part_of_pool and is_in_metered_units
                then {{ counted_text('worded_converted_quantity', 'metered') }}
            when is_part_of_pool and not is_money
                then {{ counted_text('worded_converted_quantity', 'priced') }}
            when is_in_metered_units or converted_text is null
                then {{ counted_text('quantity_text', 'metered') }}
            when is_converted_exactly and is_money
                then {{ money_words(
                    'currency_code', price_text('converted_quantity', 'minor_unit')
                ) }}
            when is_money
                then
                    {{ money_words(
                        'currency_code', price_text('converted_quantity', 'minor_unit')
                    ) }}
                    || came_from_words
                    || {{ counted_text('quantity_text', 'metered') }} || ')'
            when is_converted_exactly
                then {{ counted_text('converted_text', 'priced') }}
            else
                {{ counted_text('converted_text', 'priced') }}
                || came_from_words
                || {{ counted_text('quantity_text', 'metered') }} || ')'
        end as quantity_words,
        case
            when has_flat_amount
                then {{ money_words('currency_code', 'flat_text') }}
        end as flat_words,
        case
            when share_units < share_of_units
                then
                    {{ grouped_text('cast(share_units as varchar)') }} || ' of '
                    || {{ grouped_text('cast(share_of_units as varchar)') }} || ' '
                    || share_unit
        end as share_words,
        case
            when is_all_included then ', all included'
            when has_included
                then
                    ', of which ' || {{ grouped_text('worded_included_quantity') }}
                    || ' included'
            else ''
        end
        || case when is_all_included then '' else free_words end as unpriced_words,
        case when has_included or has_free_quantity then ',' else '' end as comma,
        case
            when has_free_quantity and not is_all_included
                then ', then ' || {{ grouped_text('only_worded_quantity') }}
            when has_included then ', ' || {{ grouped_text('only_worded_quantity') }}
            else ''
        end as left_words,
        coalesce(run_package_count, only_quantity) as package_count,
        coalesce(
            ', less ' || {{ json_field_text('only_discount', "'percent'") }}
            || ' % discount (' || discount_words || ')',
            ', less ' || discount_words || ' discount',
            ''
        )
        || coalesce(', less ' || above_maximum_words || ' above the maximum', '')
            as less_words
    from joined
),

described as (
    select
        *,
        case
            when charge_model = 'flat' and share_words is not null
                then ', ' || share_words || coalesce(' of ' || flat_words, '')
            when charge_model = 'flat' and less_words <> ''
                then coalesce(': ' || flat_words, '')
            when charge_model = 'flat' then ''
            else ': ' || quantity_words
        end as used_words,
        {{ line_price_words() | indent(8) }} as price_words,
        case
            when charge_model = 'flat' then ''
            else coalesce(', for ' || share_words, '')
        end
        || case
            when is_part_of_pool and not is_money
                then
                    ', its part of the pool: '
                    || {{ counted_text('quantity_text', 'metered') }}
            else ''
        end as last_words
    from worded
),

-- What is too long for a document loses its prices first, then what came off.
shortened as (
    select
        *,
        days_words || used_words || unpriced_words || price_words || last_words
        || less_words as whole_words,
        days_words || used_words || unpriced_words || last_words || less_words
            as words_without_prices,
        days_words || used_words || last_words as words_of_use
    from described
),

final as (
    select
        rated_line_id,
        case
            when tier_count = 0 then null
            when charge_model = 'percentage' and has_fixed_amount
                then rate_words || ' + ' || fixed_amount_text
            when charge_model = 'percentage' then rate_words
            when tier_count > 1 then tier_prices
            when has_unit_price and has_flat_amount
                then only_unit_price || ' + ' || flat_text
            when has_flat_amount then flat_text
            else only_unit_price
        end as unit_price_display,
        case
            when length(charge_text || whole_words) <= 250
                then charge_text || whole_words
            when length(charge_text || words_without_prices) <= 250
                then charge_text || words_without_prices
            when length(charge_text || words_of_use) <= 250
                then charge_text || words_of_use
            when length(words_of_use) <= 200
                then
                    left(charge_text, 249 - length(words_of_use)) || '…' || words_of_use
            else left(charge_text || words_of_use, 249) || '…'
        end as description,
        '{"tiers":' || tier_steps
        || ',"discounts":' || discount_steps
        || ',' || substr(price_steps, 2, length(price_steps) - 2)
        || ',' || {{ plain_json_fields([
            ['quantity', 'quantity_text', 'text'],
            ['aggregation', 'aggregation', 'text'],
            ['percentile', decimal_text('percentile'), 'text'],
            ['window_unit', 'window_unit', 'text'],
            ['window_aggregation', 'window_aggregation', 'text'],
            ['quantity_before', decimal_text('quantity_before'), 'text'],
            ['converted_quantity', 'converted_text', 'text'],
            ['included_quantity', decimal_text('included_quantity'), 'text'],
            ['period_length', 'seats_period_length', 'number'],
            ['priced_quantity', decimal_text('priced_quantity'), 'text'],
            ['contract_version', 'contract_version', 'number'],
            ['share_units', 'share_units', 'number'],
            ['share_of_units', 'share_of_units', 'number'],
            ['share_unit', 'share_unit', 'text'],
            ['weighed_by', 'weighed_by', 'text'],
            ['line_weight', 'line_weight_text', 'text'],
            ['run_weight', 'run_weight_text', 'text'],
            ['gross_amount', decimal_text('gross_amount'), 'text'],
            ['discount_amount', decimal_text('discount_amount'), 'text'],
            ['above_maximum_amount', decimal_text('above_maximum_amount'), 'text'],
            ['amount_unrounded', decimal_text('amount_unrounded'), 'text'],
            ['rounding_mode', 'rounding_mode', 'text'],
            ['amount', decimal_text('computed_amount'), 'text'],
            ['exception_code', 'exception_code', 'text'],
            ['event_count', 'event_count', 'number'],
            ['first_event_at', 'cast(first_event_at as varchar)', 'text'],
            ['last_event_at', 'cast(last_event_at as varchar)', 'text'],
            [
                'event_digest',
                "cast(digest_sum_1 as varchar) || ' ' || cast(digest_sum_2 as varchar)",
                'text',
            ],
        ]) }} || '}' as derivation
    from shortened
)

select * from final
