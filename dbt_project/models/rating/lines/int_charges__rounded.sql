with lines as (
    select * from {{ ref('int_charges__discounted') }}
),

-- Ladders of several lines; the only line of a ladder has all that it is rounded to.
several_lines as (
    select distinct ladder_key
    from {{ ref('int_charges__allocated') }}
    where ladder_line_number > 1
),

-- Money is rounded once for all lines of a ladder.
amounts as (
    select
        *,
        {{ narrow_whole('net_units') }} as line_units,
        {{ power_of_ten('12 - minor_unit') }} as minor_step
    from lines
),

floored as (
    select
        amounts.rated_line_id,
        amounts.ladder_key,
        amounts.ladder_line_number,
        amounts.rounding_mode,
        amounts.minor_step,
        {{ floor_quotient('amounts.line_units', 'amounts.minor_step') }}
        * amounts.minor_step as floored_units,
        {{ floor_remainder('amounts.line_units', 'amounts.minor_step') }} as minor_rest,
        sum(amounts.line_units) over (partition by amounts.ladder_key) as ladder_units
    from amounts
    inner join several_lines on amounts.ladder_key = several_lines.ladder_key
),

ladder_rounded as (
    select
        *,
        {{ narrow_rounded_quotient('ladder_units', 'minor_step', 'rounding_mode') }}
        * minor_step as rounded_units
    from floored
),

-- Parts always sum to the whole: largest remainders get what rounding left over.
shared as (
    select
        rated_line_id,
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
    from ladder_rounded
),

settled as (
    select
        amounts.*,
        case
            when shared.rated_line_id is not null then shared.settled_units
            else
                {{ narrow_rounded_quotient(
                    'amounts.line_units', 'amounts.minor_step', 'amounts.rounding_mode'
                ) }} * amounts.minor_step
        end as settled_units
    from amounts
    left join shared on amounts.rated_line_id = shared.rated_line_id
),

final as (
    select
        rated_line_id,
        minor_unit,
        rounding_mode,
        exception_code,
        discount_steps,
        {{ from_scaled_integer('gross_units', 12) }} as gross_amount,
        {{ from_scaled_integer('discount_units', 12) }} as discount_amount,
        {{ from_scaled_integer('above_maximum_units', 12) }} as above_maximum_amount,
        {{ from_scaled_integer('net_units', 12) }} as amount_unrounded,
        {{ from_scaled_integer(narrow_quotient('settled_units', '100000000'), 4) }}
            as computed_amount
    from settled
)

select * from final
