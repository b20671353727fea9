{#-
    seats: quantity × price ÷ length of the full cell.

    The meter counts seat-days, or seat-seconds, so its quantity divided by the days (seconds) of
    the whole cell is the number of seats: ten seats for a whole month are ten, also in February.
-#}

{% macro seats_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro seats_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}

{#- The days of a full cell, or its seconds where seats come and go by the second. -#}
{% macro seats_period_length(proration, start_date, end_date, start_at, end_at) -%}
    case
        when {{ proration }} = 'second' then {{ seconds_between(start_at, end_at) }}
        else {{ days_between(start_date, end_date) }}
    end
{%- endmacro %}
