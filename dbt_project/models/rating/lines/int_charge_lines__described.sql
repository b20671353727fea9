{{ config(materialized='view') }}

with lines as (
    select * from {{ ref('int_charges__allocated') }}
),

rounded as (
    select * from {{ ref('int_charges__rounded') }}
),

tiers as (
    select * from {{ ref('fct_rated_line_tiers') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

worded_tiers as (
    select
        tiers.*,
        lines.currency_code,
        {{ decimal_text('tiers.quantity') }} as quantity_text,
        case
            when {{ prices_money('lines.charge_model') }}
                then {{ price_text('tiers.quantity', 'rounded.minor_unit') }}
            else {{ decimal_text('tiers.quantity') }}
        end as worded_quantity,
        {{ decimal_text('tiers.metered_quantity') }} as metered_text,
        {{ charge_price_text(
            'lines.charge_model', 'tiers.unit_price', 'rounded.minor_unit'
        ) }} as price_text,
        {{ charge_price_words(
            'lines.charge_model',
            'tiers.unit_price',
            'rounded.minor_unit',
            'lines.currency_code'
        ) }} as price_words,
        {{ price_text('tiers.flat_amount', 'rounded.minor_unit') }} as flat_text
    from tiers
    inner join lines on tiers.rated_line_id = lines.rated_line_id
    inner join rounded on tiers.rated_line_id = rounded.rated_line_id
),

tier_texts as (
    select
        rated_line_id,
        count(*) as tier_count,
        {{ joined_text(
            "quantity_text || ' at ' || price_text"
            ~ " || case when flat_amount <> 0 then ' + ' || flat_text else '' end",
            '; ',
            'tier_number'
        ) }} as tier_prices,
        {% for words, text in [
            ('priced_tier_words', 'worded_quantity'),
            ('metered_tier_words', 'metered_text'),
        ] -%}
        {{ joined_text(
            grouped_text(text) ~ " || ' at ' || price_words",
            ', ',
            'tier_number'
        ) }} as {{ words }},
        {% endfor -%}
        max(price_text) as only_unit_price,
        max(price_words) as only_price_words,
        max(quantity_text) as only_quantity,
        max(lower_quantity) as only_lower_quantity,
        max(upper_quantity) as only_upper_quantity,
        max(flat_text) as only_flat_amount,
        cast(sum(flat_amount) as decimal(38, 12)) as flat_amount,
        bool_or(unit_price <> 0) as has_unit_price,
        bool_or(flat_amount <> 0) as has_flat_amount,
        '[' || {{ joined_text(
            json_object_text([
                ['tier_number', 'tier_number'],
                ['quantity', 'quantity_text'],
                ['unit_price', decimal_text('unit_price')],
                ['flat_amount', decimal_text('flat_amount')],
                ['amount_unrounded', decimal_text('amount_unrounded')],
            ]),
            ',',
            'tier_number'
        ) }} || ']' as tier_steps
    from worded_tiers
    group by rated_line_id
),

joined as (
    select
        lines.*,
        rounded.minor_unit,
        rounded.rounding_mode,
        coalesce(lines.billable_quantity, 0) as priced_quantity,
        rounded.exception_code,
        rounded.gross_amount,
        rounded.discount_amount,
        rounded.above_maximum_amount,
        coalesce(rounded.discount_steps, '[]') as discount_steps,
        rounded.amount_unrounded,
        rounded.computed_amount,
        prices.convert_multiply,
        prices.convert_divide,
        prices.convert_rounding,
        prices.convert_decimals,
        prices.free_quantity,
        prices.package_size,
        case when lines.charge_model = 'package' then prices.package_counting end
            as package_counting,
        prices.zero_usage,
        case when lines.charge_model = 'seats' then lines.period_length end
            as seats_period_length,
        case
            when lines.charge_model = 'flat' then 'fee'
            else coalesce(prices.unit_label, lines.unit)
        end as unit_label,
        case
            when lines.charge_model = 'flat' then lines.charge_name
            else lines.charge_name || coalesce(
                ' (' || nullif({{ dimensions_text('lines.dimension_key') }}, '') || ')',
                ''
            )
        end as charge_text,
        coalesce(tier_texts.tier_count, 0) as tier_count,
        tier_texts.tier_prices,
        tier_texts.priced_tier_words,
        tier_texts.metered_tier_words,
        tier_texts.only_unit_price,
        tier_texts.only_price_words,
        tier_texts.only_quantity,
        tier_texts.only_lower_quantity,
        {{ decimal_text('tier_texts.only_lower_quantity') }} as lower_text,
        {{ decimal_text('tier_texts.only_upper_quantity') }} as upper_text,
        case
            when lines.charge_model = 'percentage'
                then {{ price_text('prices.flat_amount', 'rounded.minor_unit') }}
            else tier_texts.only_flat_amount
        end as only_flat_amount,
        {{ charge_price_text('lines.charge_model', 'prices.unit_price', '0') }}
            as rate_words,
        coalesce(prices.flat_amount, 0) <> 0 as has_fixed_amount,
        prices.free_events,
        {% for term in ['free_amount', 'minimum_per_event', 'maximum_per_event'] -%}
        {{ price_text('prices.' ~ term, 'rounded.minor_unit') }} as {{ term }}_text,
        {% endfor -%}
        {{ price_text('lines.converted_quantity', 'rounded.minor_unit') }}
            as money_text,
        {{ price_text('tier_texts.flat_amount', 'rounded.minor_unit') }} as flat_text,
        tier_texts.has_unit_price,
        tier_texts.has_flat_amount,
        coalesce(tier_texts.tier_steps, '[]') as tier_steps,
        {% for weight in ['line_weight', 'run_weight'] -%}
        case
            when lines.weighed_by = 'usage'
                then {{ decimal_text(from_scaled_integer('lines.' ~ weight, 9)) }}
            else cast(lines.{{ weight }} as varchar)
        end as {{ weight }}_text,
        {% endfor -%}
        {{ decimal_text('lines.quantity') }} as quantity_text,
        {{ decimal_text('lines.converted_quantity') }} as converted_text,
        {{ decimal_text('lines.billable_quantity') }} as priced_text,
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
            and lines.charge_model <> 'package',
            false
        ) as is_in_metered_units,
        coalesce(
            {{ checked(
                'lines.converted_quantity * prices.convert_divide'
                ~ ' * coalesce(lines.period_length, 1)'
            ) }}
            = {{ checked('lines.quantity * prices.convert_multiply') }},
            false
        ) as is_converted_exactly
    from lines
    inner join rounded on lines.rated_line_id = rounded.rated_line_id
    left join prices
        on
            lines.charge_price_id = prices.charge_price_id
            and lines.currency_code = prices.currency_code
    left join tier_texts on lines.rated_line_id = tier_texts.rated_line_id
),

worded as (
    select
        *,
        charge_text || ', '
        || {{ days_text('segment_start_date', 'segment_end_date') }} as charge_words,
        case
            when is_in_metered_units or converted_text is null
                then {{ units_text('quantity_text', 'unit') }}
            when is_converted_exactly and {{ prices_money('charge_model') }}
                then {{ money_words('currency_code', 'money_text') }}
            when {{ prices_money('charge_model') }}
                then
                    {{ money_words('currency_code', 'money_text') }}
                    || {{ came_from_text('convert_rounding') }}
                    || {{ units_text('quantity_text', 'unit') }} || ')'
            when is_converted_exactly
                then {{ units_text('converted_text', 'unit_label') }}
            else
                {{ units_text('converted_text', 'unit_label') }}
                || {{ came_from_text('convert_rounding') }}
                || {{ units_text('quantity_text', 'unit') }} || ')'
        end as quantity_words,
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
        case when has_free_quantity then ',' else '' end as comma,
        case
            when is_in_metered_units then metered_tier_words
            else priced_tier_words
        end as tier_words,
        {{ money_words('currency_code', 'only_flat_amount') }} as only_flat_words,
        ', at least ' || {{ money_words('currency_code', 'minimum_per_event_text') }}
            as minimum_words,
        ', at most ' || {{ money_words('currency_code', 'maximum_per_event_text') }}
            as maximum_words,
        case
            when has_flat_amount
                then currency_code || ' ' || {{ grouped_text('flat_text') }}
        end as flat_words,
        coalesce(' per ' || unit_label, '') as per_words,
        case
            when share_units < share_of_units
                then
                    {{ grouped_text('cast(share_units as varchar)') }} || ' of '
                    || {{ grouped_text('cast(share_of_units as varchar)') }} || ' '
                    || share_unit
        end as share_words
    from joined
),

described as (
    select
        *,
        charge_words || case
            when charge_model = 'flat'
                then
                    coalesce(
                        ', ' || share_words || coalesce(' of ' || flat_words, ''), ''
                    )
            else ': ' || quantity_words || free_words
        end as first_words,
        case
            when charge_model = 'flat' or tier_count = 0 then ''
            when charge_model = 'package' and tier_count > 1
                then
                    comma || ' in packages of '
                    || {{ units_text('package_text', 'unit_label') }} || ': '
                    || tier_words || coalesce(', plus ' || flat_words, '')
            when charge_model = 'package'
                then
                    comma || ' in ' || {{ units_text('only_quantity', "'package'") }}
                    || ' of ' || {{ units_text('package_text', 'unit_label') }}
                    || ' at ' || only_price_words
                    || case when only_quantity = '1' then '' else ' each' end
                    || coalesce(', plus ' || flat_words, '')
            when charge_model = 'stairstep' and tier_count > 1
                then coalesce(comma || ' for ' || flat_words || ' more than before', '')
            when charge_model = 'stairstep'
                then
                    case
                        when upper_text is not null
                            then
                                comma || ' in the step up to '
                                || {{ units_text('upper_text', 'unit_label') }}
                        when only_lower_quantity > 0
                            then
                                comma || ' in the step above '
                                || {{ units_text('lower_text', 'unit_label') }}
                        else comma
                    end
                    || coalesce(' for ' || flat_words, '')
            when charge_model = 'percentage'
                then
                    comma || ' at ' || rate_words
                    || case
                        when has_fixed_amount
                            then ', plus ' || only_flat_words || ' per event'
                        else ''
                    end
                    || coalesce(minimum_words, '')
                    || coalesce(maximum_words, '')
                    || case
                        when coalesce(minimum_words, maximum_words) is null then ''
                        else ' for each event'
                    end
            when charge_model = 'dynamic' then ' at the prices of its events'
            when charge_model = 'cost_plus' then ' of cost × ' || only_price_words
            when charge_model = 'graduated_percentage' and tier_count > 1
                then
                    ', of which ' || tier_words
                    || coalesce(', plus ' || flat_words, '')
            when charge_model = 'graduated_percentage'
                then
                    ' at ' || only_price_words
                    || coalesce(', plus ' || flat_words, '')
            when tier_count > 1
                then
                    case when has_free_quantity then ', then ' else ', of which ' end
                    || tier_words || per_words || coalesce(', plus ' || flat_words, '')
            when has_unit_price or not has_flat_amount
                then
                    comma || ' at ' || only_price_words || per_words
                    || coalesce(', plus ' || flat_words, '')
            else comma || ' for ' || flat_words
        end as price_words,
        case
            when charge_model = 'flat' then ''
            else coalesce(', for ' || share_words, '')
        end as last_words
    from worded
),

final as (
    select
        rated_line_id,
        settlement_key,
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id,
        bill_to_customer_id,
        legal_entity_id,
        plan_id,
        charge_id,
        charge_name,
        charge_model,
        charge_price_id,
        is_override,
        product_id,
        erp_item,
        revenue_account,
        tax_profile,
        line_kind,
        meter_id,
        aggregation,
        unit,
        dimension_key,
        billing_timing,
        billing_period,
        is_due,
        cell_start_date,
        cell_end_date,
        segment_start_date,
        segment_end_date,
        service_start_at,
        service_end_at,
        quantity,
        cast(priced_quantity as decimal(38, 9)) as priced_quantity,
        unit_label,
        case
            when tier_count = 0 then null
            when charge_model = 'percentage' and has_fixed_amount
                then rate_words || ' + ' || only_flat_amount
            when charge_model = 'percentage' then rate_words
            when tier_count > 1 then tier_prices
            when not has_unit_price then only_flat_amount
            when has_flat_amount then only_unit_price || ' + ' || only_flat_amount
            else only_unit_price
        end as unit_price_display,
        case
            when length(first_words || price_words || last_words) <= 250
                then first_words || price_words || last_words
            else substr(first_words || last_words, 1, 250)
        end as description,
        gross_amount,
        discount_amount,
        above_maximum_amount,
        amount_unrounded,
        computed_amount,
        currency_code,
        exception_code,
        event_count,
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at,
        reference_version,
        '{"tiers":' || tier_steps
        || ',"discounts":' || discount_steps
        || ',' || substr({{ json_object_text([
            ['quantity', 'quantity_text'],
            ['unit', 'unit'],
            ['aggregation', 'aggregation'],
            ['percentile', decimal_text('percentile')],
            ['window_unit', 'window_unit'],
            ['window_aggregation', 'window_aggregation'],
            ['quantity_before', decimal_text('quantity_before')],
            ['convert_multiply', decimal_text('convert_multiply')],
            ['convert_divide', decimal_text('convert_divide')],
            ['convert_rounding', 'convert_rounding'],
            ['convert_decimals', 'convert_decimals'],
            ['converted_quantity', 'converted_text'],
            ['included_quantity', decimal_text('included_quantity')],
            ['free_quantity', 'free_text'],
            ['package_size', 'package_text'],
            ['package_counting', 'package_counting'],
            ['period_length', 'seats_period_length'],
            ['free_events', 'free_events'],
            ['free_amount', 'free_amount_text'],
            ['minimum_per_event', 'minimum_per_event_text'],
            ['maximum_per_event', 'maximum_per_event_text'],
            ['priced_quantity', decimal_text('priced_quantity')],
            ['charge_model', 'charge_model'],
            ['charge_price_id', 'charge_price_id'],
            ['contract_version', 'contract_version'],
            ['zero_usage', 'zero_usage'],
            ['share_units', 'share_units'],
            ['share_of_units', 'share_of_units'],
            ['share_unit', 'share_unit'],
            ['weighed_by', 'weighed_by'],
            ['line_weight', 'line_weight_text'],
            ['run_weight', 'run_weight_text'],
            ['gross_amount', decimal_text('gross_amount')],
            ['discount_amount', decimal_text('discount_amount')],
            ['above_maximum_amount', decimal_text('above_maximum_amount')],
            ['amount_unrounded', decimal_text('amount_unrounded')],
            ['rounding_mode', 'rounding_mode'],
            ['minor_unit', 'minor_unit'],
            ['amount', decimal_text('computed_amount')],
            ['exception_code', 'exception_code'],
            ['event_count', 'event_count'],
            ['first_event_at', 'cast(first_event_at as varchar)'],
            ['last_event_at', 'cast(last_event_at as varchar)'],
            [
                'event_digest',
                "cast(digest_sum_1 as varchar) || ' ' || cast(digest_sum_2 as varchar)",
            ],
        ]) }}, 2) as derivation
    from described
)

select * from final
