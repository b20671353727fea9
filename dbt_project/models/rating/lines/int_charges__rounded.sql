with lines as (
    select * from {{ ref('int_charges__discounted') }}
),

amounts as (
    select
        *,
        cast(net_units as {{ whole_number() }}) as line_units,
        {{ power_of_ten('12 - minor_unit') }} as minor_step
    from lines
),

-- Money is rounded here, once for all lines of a ladder.
rounded as (
    select
        ladder_key,
        {{ rounded_quotient(
            'sum(line_units)', 'min(minor_step)', 'min(rounding_mode)'
        ) }} * min(minor_step) as rounded_units
    from amounts
    group by ladder_key
),

floored as (
    select
        amounts.*,
        rounded.rounded_units,
        {{ floor_quotient('amounts.line_units', 'amounts.minor_step') }}
        * amounts.minor_step as floored_units,
        {{ floor_remainder('amounts.line_units', 'amounts.minor_step') }} as minor_rest
    from amounts
    inner join rounded on amounts.ladder_key = rounded.ladder_key
),

-- Parts always sum to the whole: largest remainders get what rounding left over.
settled as (
    select
        *,
        floored_units
        + {{ one_more_step(
            'ladder_key',
            ['minor_rest'],
            'ladder_line_number',
            whole_quotient(
                '(rounded_units - sum(floored_units) over (partition by ladder_key))',
                'minor_step'
            ),
            'minor_step'
        ) }} as settled_units
    from floored
),

final as (
    select
        rated_line_id,
        ladder_key,
        minor_unit,
        rounding_mode,
        exception_code,
        discount_steps,
        {{ from_scaled_integer('gross_units', 12) }} as gross_amount,
        {{ from_scaled_integer('discount_units', 12) }} as discount_amount,
        {{ from_scaled_integer('above_maximum_units', 12) }} as above_maximum_amount,
        {{ from_scaled_integer('line_units', 12) }} as amount_unrounded,
        {{ from_scaled_integer(narrow_quotient('settled_units', '100000000'), 4) }}
            as computed_amount
    from settled
)

select * from final
