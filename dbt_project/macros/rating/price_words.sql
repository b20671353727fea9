{#-
    The words of prices and tiers, each written once for all the lines that say them.

    Belongs here: the CTEs that word a price and the tiers of a line. Does not belong here: how a
    number or a unit reads (line_text), the sentence of a line (int_charge_lines__described).

    Many lines have one price, so that its words are few; a line joins them by a number.
-#}

{% macro worded_prices(line_prices, prices) -%}
    {#- The CTEs that word the prices of lines (rated_line_id, charge_price_id, currency_code,
        charge_model, unit, unit_label, minor_unit, and unit and minor_unit without null) from the
        first tiers of int_charge_prices__scaled. The last two are worded_prices, by price_number,
        and numbered_lines, the price_number of each line. -#}
    asked as (
        select distinct
            charge_price_id,
            currency_code,
            charge_model,
            unit,
            unit_label,
            minor_unit,
            unit_or_none,
            minor_unit_or_none
        from {{ line_prices }}
    ),

    priced as (
        select
            asked.*,
            row_number() over (
                order by
                    asked.charge_price_id,
                    asked.currency_code,
                    asked.charge_model,
                    asked.unit_or_none,
                    asked.minor_unit_or_none
            ) as price_number,
            prices.convert_multiply,
            prices.convert_divide,
            prices.convert_rounding,
            prices.free_events,
            {{ prices_money('asked.charge_model') }} as is_money,
            {{ price_text('prices.flat_amount', 'asked.minor_unit') }} as fixed_amount_text,
            {{ charge_price_text('asked.charge_model', 'prices.unit_price', '0') }}
                as rate_words,
            coalesce(prices.flat_amount, 0) <> 0 as has_fixed_amount,
            {% for term in ['free_amount', 'minimum_per_event', 'maximum_per_event'] -%}
            {{ price_text('prices.' ~ term, 'asked.minor_unit') }} as {{ term }}_text,
            {% endfor -%}
            {{ decimal_text('prices.free_quantity') }} as free_text,
            {{ decimal_text('prices.scaled_free_quantity') }} as metered_free_text,
            {{ decimal_text('prices.package_size') }} as package_text,
            greatest(
                coalesce(prices.free_quantity, 0),
                coalesce(prices.free_events, 0),
                coalesce(prices.free_amount, 0)
            ) > 0 as has_free_quantity,
            -- What is priced by the million reads better, and exact, in metered units.
            coalesce(
                {{ is_several('prices.unit_label') }}
                and prices.multiplier = 1
                and prices.convert_rounding = 'none'
                and asked.charge_model <> 'package',
                false
            ) as is_in_metered_units,
            {{ json_object_text([
                ['charge_model', 'asked.charge_model'],
                ['charge_price_id', 'asked.charge_price_id'],
                ['unit', 'asked.unit'],
                ['unit_plural', plural_text('asked.unit')],
                ['unit_label_plural', plural_text('asked.unit_label')],
                ['minor_unit', 'asked.minor_unit'],
                ['convert_multiply', decimal_text('prices.convert_multiply')],
                ['convert_divide', decimal_text('prices.convert_divide')],
                ['convert_rounding', 'prices.convert_rounding'],
                ['convert_decimals', 'prices.convert_decimals'],
                ['free_quantity', decimal_text('prices.free_quantity')],
                ['package_size', decimal_text('prices.package_size')],
                [
                    'package_counting',
                    "case when asked.charge_model = 'package' "
                    ~ 'then prices.package_counting end',
                ],
                ['free_events', 'prices.free_events'],
                ['free_amount', price_text('prices.free_amount', 'asked.minor_unit')],
                [
                    'minimum_per_event',
                    price_text('prices.minimum_per_event', 'asked.minor_unit'),
                ],
                [
                    'maximum_per_event',
                    price_text('prices.maximum_per_event', 'asked.minor_unit'),
                ],
                ['zero_usage', 'prices.zero_usage'],
            ]) }} as price_steps
        from asked
        left join {{ prices }} as prices
            on
                asked.charge_price_id = prices.charge_price_id
                and asked.currency_code = prices.currency_code
    ),

    worded_prices as (
        select
            *,
            {{ came_from_text('convert_rounding') }} as came_from_words,
            {% for name, unit in [('metered', 'unit'), ('priced', 'unit_label')] -%}
            {{ unit_text(unit) }} as {{ name }}_unit_words,
            {{ several_units_text(unit) }} as {{ name }}_units_words,
            {% endfor -%}
            case
                when not has_free_quantity then ''
                when free_events > 0
                    then
                        ', the first '
                        || {{ units_text('cast(free_events as varchar)', "'event'") }}
                        || ' free'
                when charge_model = 'percentage'
                    then
                        ', the first '
                        || {{ money_words('currency_code', 'free_amount_text') }} || ' free'
                when is_in_metered_units
                    then
                        ', the first ' || {{ units_text('metered_free_text', 'unit') }}
                        || ' free'
                else
                    ', the first ' || {{ units_text('free_text', 'unit_label') }} || ' free'
            end as free_words,
            {{ units_text('package_text', 'unit_label') }} as package_words,
            nullif(
                substr(
                    case
                        when has_fixed_amount
                            then
                                ', '
                                || {{ money_words('currency_code', 'fixed_amount_text') }}
                                || ' per event'
                        else ''
                    end
                    || coalesce(
                        ', at least '
                        || {{ money_words('currency_code', 'minimum_per_event_text') }},
                        ''
                    )
                    || coalesce(
                        ', at most '
                        || {{ money_words('currency_code', 'maximum_per_event_text') }},
                        ''
                    )
                    || case
                        when
                            coalesce(minimum_per_event_text, maximum_per_event_text)
                            is null
                            then ''
                        else ' for each event'
                    end,
                    3
                ),
                ''
            ) as event_words,
            coalesce(' per ' || unit_label, '') as per_words
        from priced
    ),

    numbered_lines as (
        select
            line_prices.rated_line_id,
            worded_prices.price_number
        from {{ line_prices }} as line_prices
        inner join worded_prices
            on
                line_prices.charge_price_id = worded_prices.charge_price_id
                and line_prices.currency_code = worded_prices.currency_code
                and line_prices.charge_model = worded_prices.charge_model
                and line_prices.unit_or_none = worded_prices.unit_or_none
                and line_prices.minor_unit_or_none = worded_prices.minor_unit_or_none
    )
{%- endmacro %}

{% macro worded_tiers(tiers, numbered_lines, worded_prices) -%}
    {#- The CTEs that word the tiers of lines. The last one, tier_texts, has a row per line with
        tiers. Only the texts of several tiers have to be joined in order. -#}
    asked_tiers as (
        select distinct
            numbered_lines.price_number,
            tiers.unit_price
        from {{ tiers }} as tiers
        inner join {{ numbered_lines }} as numbered_lines
            on tiers.rated_line_id = numbered_lines.rated_line_id
    ),

    worded_tier_prices as (
        select
            asked_tiers.price_number,
            asked_tiers.unit_price,
            worded_prices.minor_unit,
            worded_prices.is_money,
            worded_prices.is_in_metered_units,
            {{ charge_price_text(
                'worded_prices.charge_model',
                'asked_tiers.unit_price',
                'worded_prices.minor_unit'
            ) }} as price_text,
            {{ charge_price_words(
                'worded_prices.charge_model',
                'asked_tiers.unit_price',
                'worded_prices.minor_unit',
                'worded_prices.currency_code'
            ) }} as price_words,
            {{ decimal_text('asked_tiers.unit_price') }} as unit_price_text
        from asked_tiers
        inner join {{ worded_prices }} as worded_prices
            on asked_tiers.price_number = worded_prices.price_number
    ),

    tier_counts as (
        select
            rated_line_id,
            count(*) as tier_count
        from {{ tiers }} as tiers
        group by rated_line_id
    ),

    worded_tiers as (
        select
            tiers.*,
            tier_counts.tier_count,
            worded_tier_prices.minor_unit,
            worded_tier_prices.is_money,
            worded_tier_prices.is_in_metered_units,
            worded_tier_prices.price_text,
            worded_tier_prices.price_words,
            worded_tier_prices.unit_price_text,
            {{ decimal_text('tiers.quantity') }} as quantity_text,
            {{ decimal_text('tiers.flat_amount') }} as flat_amount_text
        from {{ tiers }} as tiers
        inner join tier_counts on tiers.rated_line_id = tier_counts.rated_line_id
        inner join {{ numbered_lines }} as numbered_lines
            on tiers.rated_line_id = numbered_lines.rated_line_id
        inner join worded_tier_prices
            on
                numbered_lines.price_number = worded_tier_prices.price_number
                and tiers.unit_price = worded_tier_prices.unit_price
    ),

    told_tiers as (
        select
            *,
            '{' || {{ plain_json_fields([
                ['tier_number', 'tier_number', 'number'],
                ['quantity', 'quantity_text', 'text'],
                ['unit_price', 'unit_price_text', 'text'],
                ['flat_amount', 'flat_amount_text', 'text'],
                ['amount_unrounded', decimal_text('amount_unrounded'), 'text'],
            ]) }} || '}' as tier_step,
            case
                when is_in_metered_units then {{ decimal_text('metered_quantity') }}
                when is_money then {{ price_text('quantity', 'minor_unit') }}
                else quantity_text
            end as worded_quantity
        from worded_tiers
    ),

    tier_texts as (
        select
            rated_line_id,
            tier_count,
            cast(null as varchar) as tier_prices,
            cast(null as varchar) as tier_words,
            price_text as only_unit_price,
            price_words as only_price_words,
            quantity_text as only_quantity,
            worded_quantity as only_worded_quantity,
            quantity as tier_quantity,
            lower_quantity as only_lower_quantity,
            upper_quantity as only_upper_quantity,
            flat_amount,
            unit_price <> 0 as has_unit_price,
            flat_amount <> 0 as has_flat_amount,
            tier_step as tier_steps
        from told_tiers
        where tier_count = 1
        union all
        select
            rated_line_id,
            min(tier_count) as tier_count,
            {{ joined_text(
                "quantity_text || ' at ' || price_text"
                ~ " || case when flat_amount <> 0 then ' + ' || "
                ~ price_text('flat_amount', 'minor_unit') ~ " else '' end",
                '; ',
                'tier_number'
            ) }} as tier_prices,
            {{ joined_text(
                grouped_text('worded_quantity') ~ " || ' at ' || price_words",
                ', ',
                'tier_number'
            ) }} as tier_words,
            cast(null as varchar) as only_unit_price,
            cast(null as varchar) as only_price_words,
            cast(null as varchar) as only_quantity,
            cast(null as varchar) as only_worded_quantity,
            cast(sum(quantity) as decimal(38, 9)) as tier_quantity,
            cast(null as decimal(38, 9)) as only_lower_quantity,
            cast(null as decimal(38, 9)) as only_upper_quantity,
            cast(sum(flat_amount) as decimal(38, 12)) as flat_amount,
            bool_or(unit_price <> 0) as has_unit_price,
            bool_or(flat_amount <> 0) as has_flat_amount,
            {{ joined_text('tier_step', ',', 'tier_number') }} as tier_steps
        from told_tiers
        where tier_count > 1
        group by rated_line_id
    )
{%- endmacro %}
