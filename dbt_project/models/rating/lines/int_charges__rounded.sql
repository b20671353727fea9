{{ config(materialized='view') }}

with lines as (
    select * from {{ ref('int_charges__allocated') }}
),

discounted as (
    select * from {{ ref('int_charges__discounted') }}
),

ladder_lines as (
    select * from {{ ref('int_ladder_lines__rounded') }}
),

left_over as (
    select
        lines.*,
        coalesce(
            lines.run_exception_code,
            case when discounted.is_held then 'depends_on_held' end
        ) as exception_code,
        {% for taken_units in ['discount_units', 'above_maximum_units'] -%}
        case
            when discounted.rated_line_id is not null
                then discounted.{{ taken_units }}
            when lines.gross_units is not null then cast(0 as decimal(38, 0))
        end as {{ taken_units }},
        {% endfor -%}
        {{ units_left('lines', 'discounted') | indent(8) }} as net_units,
        coalesce(discounted.discount_steps, '[]') as discount_steps,
        ladder_lines.rated_line_id is not null as is_one_of_several,
        ladder_lines.computed_amount as part_amount
    from lines
    left join discounted on lines.rated_line_id = discounted.rated_line_id
    left join ladder_lines on lines.rated_line_id = ladder_lines.rated_line_id
),

amounts as (
    select
        *,
        {{ narrow_whole('net_units') }} as line_units,
        {{ power_of_ten('12 - minor_unit') }} as minor_step
    from left_over
),

-- The only line of a ladder has all that the ladder is rounded to.
settled as (
    select
        *,
        {{ narrow_rounded_quotient('line_units', 'minor_step', 'rounding_mode') }}
        * minor_step as settled_units
    from amounts
),

final as (
    select
        {{ allocated_line_columns() | join(',\n        ') }},
        exception_code,
        discount_steps,
        {{ from_scaled_integer('gross_units', 12) }} as gross_amount,
        {{ from_scaled_integer('discount_units', 12) }} as discount_amount,
        {{ from_scaled_integer('above_maximum_units', 12) }} as above_maximum_amount,
        {{ from_scaled_integer('net_units', 12) }} as amount_unrounded,
        case
            when is_one_of_several then part_amount
            else {{ amount_of_units('settled_units') }}
        end as computed_amount
    from settled
)

select * from final
