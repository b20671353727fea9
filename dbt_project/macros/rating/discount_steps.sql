{#-
    Discounts that come off one after the other. Belongs here: one step each, and how many steps a
    build needs. Does not belong here: which lines a discount covers.

    A discount takes of what the one before it left, so each is a step of its own; the terms that
    are loaded say how many there are. A step has a row per line: rated_line_id, left_units (what
    is left, in 10^-12 of the currency; null where it is unknown) and is_held (whether that may
    change once what is in the way is cleared).
-#}

{% macro discount_step_count(step_kinds) -%}
    {#- The largest number of steps of some kinds that any line takes; 0 where there are none. -#}
    {%- set sql -%}
        select coalesce(max(step_number), 0) as step_count
        from {{ ref('int_discounts__numbered') }}
        where step_kind in ({{ tallyhouse.text_literals(step_kinds) }})
    {%- endset -%}
    {%- set found = namespace(count=0) -%}
    {%- for row in tallyhouse.rows_of(sql) -%}
        {%- set found.count = row.step_count -%}
    {%- endfor -%}
    {%- do return(found.count | int) -%}
{%- endmacro %}


{#- The CTEs of a step in which each line gives a percentage of what it has left, rounded to 12
    decimals. The last one is called `after`. -#}
{% macro percent_step(before, after, step_number) -%}
    {{ after }}_asked as (
        select
            {{ before }}.*,
            cast(coalesce(steps.percent_units, 0) as {{ whole_number() }}) as percent_units
        from {{ before }}
        left join steps
            on
                {{ before }}.rated_line_id = steps.rated_line_id
                and steps.step_kind = 'percent'
                and steps.step_number = {{ step_number }}
    ),

    {{ in_proportion(
        after ~ '_asked',
        [['left_units', 'percent_units', '100000000000000', 'taken']],
        after ~ '_taken'
    ) }},

    {{ after }} as (
        select
            rated_line_id,
            is_held,
            left_units - ({{ proportional_rounded('taken') | indent(12) }}) as left_units
        from {{ after }}_taken
    )
{%- endmacro %}


{#- The CTEs of a step in which the lines of each group give up an amount together, or all that is
    above a maximum, in proportion to what they have left; never more than they have together. A
    line whose group holds an unknown one is held, since its share is not known. -#}
{% macro amount_step(before, after, step_kind, step_number) -%}
    {{ after }}_asked as (
        select
            {{ before }}.*,
            coalesce(steps.step_group, {{ before }}.rated_line_id) as step_group,
            cast(steps.amount_units as {{ whole_number() }}) as amount_units,
            steps.line_number
        from {{ before }}
        left join steps
            on
                {{ before }}.rated_line_id = steps.rated_line_id
                and steps.step_kind = '{{ step_kind }}'
                and steps.step_number = {{ step_number }}
    ),

    {{ after }}_grouped as (
        select
            *,
            sum(left_units) over step_lines as group_units,
            bool_or(is_held or left_units is null) over step_lines as is_group_held
        from {{ after }}_asked
        window step_lines as (partition by step_group)
    ),

    {{ after }}_limited as (
        select
            *,
            case
                when amount_units is null or group_units <= 0 then 0
                {%- if step_kind == 'maximum' %}
                else greatest(group_units - amount_units, 0)
                {%- else %}
                else least(group_units, amount_units)
                {%- endif %}
            end as group_taken_units,
            case when group_units = 0 then 1 else group_units end as whole_units
        from {{ after }}_grouped
    ),

    {{ in_shares(
        after ~ '_limited',
        [['group_taken_units', 'left_units', 'whole_units', 'taken']],
        'step_group',
        'line_number',
        after ~ '_shared'
    ) }},

    {{ after }} as (
        select
            rated_line_id,
            is_group_held as is_held,
            left_units - taken_share as left_units
        from {{ after }}_shared
    )
{%- endmacro %}


{#- What discounts and a maximum leave of a line, in 10^-12 of the currency: all of it where none
    takes from it. `discounted` has a row per line that any step takes from. -#}
{% macro units_left(lines, discounted) -%}
    case
        when {{ discounted }}.rated_line_id is not null then {{ discounted }}.net_units
        else {{ lines }}.gross_units
    end
{%- endmacro %}
