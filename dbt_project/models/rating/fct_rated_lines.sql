with lines as (
    select * from {{ ref('int_charges__quantified') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

tiers as (
    select * from {{ ref('fct_rated_line_tiers') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

tier_texts as (
    select
        tiers.rated_line_id,
        count(*) as tier_count,
        {{ joined_text(
            decimal_text('tiers.quantity') ~ " || ' at ' || "
            ~ price_text('tiers.unit_price', 'priced.minor_unit')
            ~ " || case when tiers.flat_amount <> 0 then ' + ' || "
            ~ price_text('tiers.flat_amount', 'priced.minor_unit') ~ " else '' end",
            '; ',
            'tiers.tier_number'
        ) }} as tier_prices,
        max({{ price_text('tiers.unit_price', 'priced.minor_unit') }})
            as only_unit_price,
        max({{ price_text('tiers.flat_amount', 'priced.minor_unit') }})
            as only_flat_amount,
        bool_or(tiers.unit_price <> 0) as has_unit_price,
        bool_or(tiers.flat_amount <> 0) as has_flat_amount,
        '[' || {{ joined_text(
            json_object_text([
                ['tier_number', 'tiers.tier_number'],
                ['quantity', decimal_text('tiers.quantity')],
                ['unit_price', decimal_text('tiers.unit_price')],
                ['flat_amount', decimal_text('tiers.flat_amount')],
                ['amount_unrounded', decimal_text('tiers.amount_unrounded')],
            ]),
            ',',
            'tiers.tier_number'
        ) }} || ']' as tier_steps
    from tiers
    inner join priced on tiers.rated_line_id = priced.rated_line_id
    group by tiers.rated_line_id
),

joined as (
    select
        lines.*,
        priced.minor_unit,
        priced.rounding_mode,
        priced.converted_quantity,
        coalesce(priced.billable_quantity, 0) as priced_quantity,
        priced.exception_code,
        priced.amount_unrounded,
        priced.computed_amount,
        prices.convert_multiply,
        prices.convert_divide,
        prices.convert_rounding,
        prices.convert_decimals,
        prices.free_quantity,
        prices.package_size,
        prices.zero_usage,
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
        tier_texts.only_unit_price,
        tier_texts.only_flat_amount,
        tier_texts.has_unit_price,
        tier_texts.has_flat_amount,
        coalesce(tier_texts.tier_steps, '[]') as tier_steps
    from lines
    inner join priced on lines.rated_line_id = priced.rated_line_id
    left join prices
        on
            lines.charge_price_id = prices.charge_price_id
            and lines.currency_code = prices.currency_code
    left join tier_texts on lines.rated_line_id = tier_texts.rated_line_id
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
            when tier_count > 1 then tier_prices
            when not has_unit_price then only_flat_amount
            when has_flat_amount then only_unit_price || ' + ' || only_flat_amount
            else only_unit_price
        end as unit_price_display,
        substr(
            charge_text
            || ', '
            || {{ days_text('segment_start_date', 'segment_end_date') }}
            || case
                when charge_model = 'flat' and share_days < share_of_days
                    then
                        ', ' || cast(share_days as varchar) || ' of '
                        || cast(share_of_days as varchar) || ' days'
                when charge_model = 'flat' then ''
                else
                    ', '
                    || {{ decimal_text('coalesce(converted_quantity, quantity)') }}
                    || ' '
                    || coalesce(unit_label, '')
                    || case
                        when charge_model = 'package'
                            then
                                ' in ' || {{ decimal_text('priced_quantity') }}
                                || ' packages of ' || {{ decimal_text('package_size') }}
                        when priced_quantity < converted_quantity
                            then
                                ', '
                                || {{ decimal_text(
                                    '(converted_quantity - priced_quantity)'
                                ) }}
                                || ' of them free'
                        else ''
                    end
            end,
            1,
            250
        ) as description,
        amount_unrounded,
        case when exception_code is null then computed_amount end as amount,
        computed_amount,
        currency_code,
        case
            when exception_code is not null then 'unknown'
            when computed_amount = 0 then 'proven_zero'
            else 'amount'
        end as rating_status,
        exception_code,
        event_count,
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at,
        reference_version,
        {{ engine_version() }} as engine_version,
        '{"tiers":' || tier_steps || ',' || substr({{ json_object_text([
            ['quantity', decimal_text('quantity')],
            ['unit', 'unit'],
            ['aggregation', 'aggregation'],
            ['quantity_before', decimal_text('quantity_before')],
            ['convert_multiply', decimal_text('convert_multiply')],
            ['convert_divide', decimal_text('convert_divide')],
            ['convert_rounding', 'convert_rounding'],
            ['convert_decimals', 'convert_decimals'],
            ['converted_quantity', decimal_text('converted_quantity')],
            ['free_quantity', decimal_text('free_quantity')],
            ['package_size', decimal_text('package_size')],
            ['priced_quantity', decimal_text('priced_quantity')],
            ['charge_model', 'charge_model'],
            ['charge_price_id', 'charge_price_id'],
            ['contract_version', 'contract_version'],
            ['zero_usage', 'zero_usage'],
            ['share_days', 'share_days'],
            ['share_of_days', 'share_of_days'],
            ['amount_unrounded', decimal_text('amount_unrounded')],
            ['rounding_mode', 'rounding_mode'],
            ['minor_unit', 'minor_unit'],
            ['amount', decimal_text('computed_amount')],
            ['exception_code', 'exception_code'],
        ]) }}, 2) as derivation
    from joined
)

select * from final
