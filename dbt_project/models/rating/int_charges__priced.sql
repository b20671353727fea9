with lines as (
    select * from {{ ref('int_charges__quantified') }}
),

tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

currencies as (
    select * from {{ ref('currencies') }}
),

tier_sums as (
    select
        rated_line_id,
        max(denominator) as denominator,
        sum(amount_units) as amount_units,
        sum(amount_rest) as amount_rest,
        bool_or(amount_units is null or amount_rest is null) as is_overflown,
        max(converted_quantity) as converted_quantity,
        max(billable_quantity) as billable_quantity
    from tiers
    group by rated_line_id
),

line_amounts as (
    select
        lines.rated_line_id,
        lines.settlement_key,
        lines.key_segment_number,
        currencies.minor_unit,
        prices.rounding_mode,
        tier_sums.converted_quantity,
        tier_sums.billable_quantity,
        cast(tier_sums.denominator as {{ whole_number() }}) as denominator,
        {{ floor_quotient(
            'cast(tier_sums.amount_rest as ' ~ whole_number() ~ ')',
            'cast(tier_sums.denominator as ' ~ whole_number() ~ ')'
        ) }} + cast(tier_sums.amount_units as {{ whole_number() }}) as line_units,
        {{ floor_remainder(
            'cast(tier_sums.amount_rest as ' ~ whole_number() ~ ')',
            'cast(tier_sums.denominator as ' ~ whole_number() ~ ')'
        ) }} as line_rest,
        case
            when tier_sums.rated_line_id is null and prices.charge_price_id is not null
                then 0
            when tier_sums.rated_line_id is null then 1
            when currencies.minor_unit is null then 2
            when
                lines.has_negative_events
                or (
                    lines.quantity_after < 0
                    and not (
                        {{ mirrors_negative_quantities('lines.charge_model') }}
                        and lines.is_negative_allowed
                    )
                ) then 3
            when lines.is_beyond_limit or tier_sums.is_overflown then 4
            when lines.has_conflicting_events then 5
        end as exception_rank
    from lines
    left join tier_sums on lines.rated_line_id = tier_sums.rated_line_id
    left join prices
        on
            lines.charge_price_id = prices.charge_price_id
            and lines.currency_code = prices.currency_code
    left join currencies on lines.currency_code = currencies.currency_code
),

-- Lines of a key have one denominator as a rule; where they differ, each is rounded.
denominator_sums as (
    select
        settlement_key,
        denominator,
        sum(line_units) as line_units,
        sum(line_rest) as line_rest
    from line_amounts
    group by settlement_key, denominator
),

carried_over as (
    select
        settlement_key,
        denominator,
        line_units + {{ floor_quotient('line_rest', 'denominator') }} as whole_units,
        {{ floor_remainder('line_rest', 'denominator') }} as rest
    from denominator_sums
),

key_units as (
    select
        settlement_key,
        sum(
            whole_units
            + case
                when whole_units >= 0 and 2 * rest >= denominator then 1
                when whole_units < 0 and 2 * rest > denominator then 1
                else 0
            end
        ) as key_units
    from carried_over
    group by settlement_key
),

key_states as (
    select
        settlement_key,
        min(exception_rank) as key_exception_rank,
        max(minor_unit) as minor_unit,
        max_by(rounding_mode, key_segment_number) as rounding_mode,
        sum(line_units) as line_units
    from line_amounts
    group by settlement_key
),

-- Money is rounded here, once per settlement key.
rounded as (
    select
        key_states.settlement_key,
        key_states.key_exception_rank,
        key_states.rounding_mode,
        key_states.minor_unit,
        {{ power_of_ten('12 - key_states.minor_unit') }} as minor_step,
        key_units.key_units,
        key_units.key_units - key_states.line_units as units_to_spread,
        {{ rounded_quotient(
            'key_units.key_units',
            power_of_ten('12 - key_states.minor_unit'),
            'key_states.rounding_mode'
        ) }} * {{ power_of_ten('12 - key_states.minor_unit') }} as rounded_units
    from key_states
    inner join key_units on key_states.settlement_key = key_units.settlement_key
),

-- Parts always sum to the whole: largest remainders get what rounding left over.
spread as (
    select
        line_amounts.*,
        rounded.key_exception_rank,
        rounded.minor_step,
        rounded.rounding_mode as key_rounding_mode,
        rounded.rounded_units,
        line_amounts.line_units
        + {{ one_more_step(
            'line_amounts.settlement_key',
            [
                floor_quotient(
                    '(line_amounts.line_rest * 1000000)', 'line_amounts.denominator'
                ),
                'line_amounts.line_rest',
            ],
            'line_amounts.key_segment_number',
            'rounded.units_to_spread'
        ) }} as spread_units
    from line_amounts
    inner join rounded on line_amounts.settlement_key = rounded.settlement_key
),

floored as (
    select
        *,
        {{ floor_quotient('spread_units', 'minor_step') }}
        * minor_step as floored_units,
        {{ floor_remainder('spread_units', 'minor_step') }} as minor_rest
    from spread
),

settled as (
    select
        *,
        floored_units
        + {{ one_more_step(
            'settlement_key',
            ['minor_rest'],
            'key_segment_number',
            whole_quotient(
                '(rounded_units - sum(floored_units) over (partition by settlement_key))',
                'minor_step'
            ),
            'minor_step'
        ) }} as settled_units
    from floored
),

final as (
    select
        rated_line_id,
        settlement_key,
        minor_unit,
        key_rounding_mode as rounding_mode,
        cast(converted_quantity as decimal(38, 9)) as converted_quantity,
        cast(billable_quantity as decimal(38, 9)) as billable_quantity,
        case key_exception_rank
            when 0 then 'unpriced_dimension'
            when 1 then 'missing_price'
            when 2 then 'unknown_currency'
            when 3 then 'negative_quantity'
            when 4 then 'amount_overflow'
            when 5 then 'conflicting_events'
        end as exception_code,
        -- Events in conflict hold an amount that can be computed; nothing else does.
        case
            when coalesce(key_exception_rank, 5) = 5
                then {{ from_scaled_integer('spread_units', 12) }}
        end as amount_unrounded,
        case
            when coalesce(key_exception_rank, 5) = 5
                then
                    {{ from_scaled_integer(
                        whole_quotient('settled_units', '100000000'), 4
                    ) }}
        end as computed_amount
    from settled
)

select * from final
