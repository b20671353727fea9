with lines as (
    select * from {{ ref('int_charges__shared') }}
    where is_charged
),

discounted as (
    select * from {{ ref('int_charges__discounted') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

several_line_ladders as (
    select distinct ladder_key
    from {{ ref('int_charges__shared') }}
    where is_charged and ladder_line_number > 1
),

left_over as (
    select
        lines.rated_line_id,
        lines.ladder_key,
        lines.ladder_line_number,
        lines.ladder_run_id,
        {{ units_left('lines', 'discounted') | indent(8) }} as net_units
    from lines
    inner join
        several_line_ladders
        on lines.ladder_key = several_line_ladders.ladder_key
    left join discounted on lines.rated_line_id = discounted.rated_line_id
),

amounts as (
    select
        left_over.rated_line_id,
        left_over.ladder_key,
        left_over.ladder_line_number,
        priced.rounding_mode,
        {{ narrow_whole('left_over.net_units') }} as line_units,
        {{ power_of_ten('12 - priced.minor_unit') }} as minor_step
    from left_over
    inner join priced on left_over.ladder_run_id = priced.ladder_run_id
),

-- Money is rounded once for all lines of a ladder.
floored as (
    select
        *,
        {{ floor_quotient('line_units', 'minor_step') }} * minor_step as floored_units,
        {{ floor_remainder('line_units', 'minor_step') }} as minor_rest,
        sum(line_units) over (partition by ladder_key) as ladder_units
    from amounts
),

ladder_rounded as (
    select
        *,
        {{ narrow_rounded_quotient('ladder_units', 'minor_step', 'rounding_mode') }}
        * minor_step as rounded_units
    from floored
),

-- Parts always sum to the whole: largest remainders get what rounding left over.
settled as (
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

final as (
    select
        rated_line_id,
        {{ amount_of_units('settled_units') }} as computed_amount
    from settled
)

select * from final
