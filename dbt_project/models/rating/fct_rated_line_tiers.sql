with tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
),

lines as (
    select * from {{ ref('int_charges__priced') }}
),

used as (
    select
        tiers.*,
        lines.exception_code,
        cast(tiers.amount_units as {{ whole_number() }}) as tier_units,
        {{ scaled_integer('lines.amount_unrounded', 12) }} as line_units,
        {{ scaled_integer('lines.computed_amount', 4) }}
        * 100000000 as line_rounded_units,
        {{ power_of_ten('12 - lines.minor_unit') }} as minor_step
    from tiers
    inner join lines on tiers.rated_line_id = lines.rated_line_id
    where
        tiers.quantity is null
        or tiers.quantity <> 0
        or tiers.flat_amount <> 0
        or tiers.amount_units <> 0
        or tiers.amount_rest <> 0
),

spread as (
    select
        *,
        tier_units
        + {{ one_more_step(
            'rated_line_id',
            ['amount_rest'],
            'tier_number',
            'line_units - sum(tier_units) over (partition by rated_line_id)'
        ) }} as spread_units
    from used
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
            'rated_line_id',
            ['minor_rest'],
            'tier_number',
            whole_quotient(
                '(line_rounded_units - sum(floored_units) over (partition by rated_line_id))',
                'minor_step'
            ),
            'minor_step'
        ) }} as settled_units
    from floored
),

final as (
    select
        rated_line_id,
        tier_number,
        lower_quantity,
        upper_quantity,
        quantity,
        unit_price,
        flat_amount,
        {{ from_scaled_integer('spread_units', 12) }} as amount_unrounded,
        case
            when exception_code is null
                then
                    {{ from_scaled_integer(
                        whole_quotient('settled_units', '100000000'), 4
                    ) }}
        end as amount
    from settled
)

select * from final
