{#-
    How much of a cell a stretch of time is, in the units of each way to prorate.

    Belongs here: the units. Does not belong here: which amounts are prorated.

    A share is a number of units of the stretch over the units of the full cell. Units of
    consecutive stretches add up to the cell's, whatever cuts it.
-#}

{#- Where a day lies in a cell of months of 30 days each: its place in its month, at most 30. -#}
{% macro fixed_30_position(day_date, cell_start_date, cell_end_date, anchor_day) -%}
    {%- set months = months_between(cell_start_date, day_date) -%}
    {%- set this_month = add_months(cell_start_date, months, anchor_day) -%}
    {%- set month_before = add_months(cell_start_date, months ~ ' - 1', anchor_day) -%}
    case
        when {{ day_date }} >= {{ cell_end_date }}
            then 30 * {{ months_between(cell_start_date, cell_end_date) }}
        when {{ day_date }} >= {{ this_month }}
            then
                30 * {{ months }}
                + least({{ days_between(this_month, day_date) }}, 30)
        else
            30 * ({{ months }} - 1)
            + least({{ days_between(month_before, day_date) }}, 30)
    end
{%- endmacro %}

{#- The unit of the time that a charge pays for, as it is read: a sum of events is not shared. -#}
{% macro share_unit(charge_model, is_additive, proration) -%}
    case
        when {{ is_additive }} then 'days'
        when {{ proration }} = 'second' then 'seconds'
        when {{ charge_model }} = 'flat' and {{ proration }} = 'fixed_30'
            then 'days of 30 a month'
        else 'days'
    end
{%- endmacro %}

{#- Units of [from_at, to_at) in a cell and of the full cell, by a way to prorate: two columns. Its
    days are [from_date, to_date), those that count for it. -#}
{% macro prorated_columns(proration, from_at, to_at, from_date, to_date, cell, name) -%}
    {%- set bounds = [
        cell ~ '.cell_start_date', cell ~ '.cell_end_date', cell ~ '.billing_anchor_day'
    ] -%}
    cast(
        case {{ proration }}
            when 'day' then {{ days_between(from_date, to_date) }}
            when 'second' then {{ seconds_between(from_at, to_at) }}
            when 'fixed_30'
                then
                    {{ fixed_30_position(to_date, *bounds) }}
                    - {{ fixed_30_position(from_date, *bounds) }}
            else 1
        end as {{ whole_number() }}
    ) as {{ name }}_units,
    cast(
        case {{ proration }}
            when 'day'
                then {{ days_between(cell ~ '.cell_start_date', cell ~ '.cell_end_date') }}
            when 'second'
                then {{ seconds_between(cell ~ '.cell_start_at', cell ~ '.cell_end_at') }}
            when 'fixed_30'
                then 30 * {{ months_between(
                    cell ~ '.cell_start_date', cell ~ '.cell_end_date'
                ) }}
            else 1
        end as {{ whole_number() }}
    ) as {{ name }}_of_units
{%- endmacro %}

{#- number × units ÷ of_units, rounded half away from zero to the number's own decimals. -#}
{% macro prorated(number, scale, units, of_units) -%}
    {{ from_scaled_integer(
        rounded_quotient(
            '(' ~ scaled_integer(number, scale) ~ ' * ' ~ units ~ ')', of_units, "'half_away'"
        ),
        scale
    ) }}
{%- endmacro %}
