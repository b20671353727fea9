{#-
    percentage: rate × amount + fixed amount × valued events.

    The rate stands as the tier's unit price and the fixed amount as its flat amount, which is due
    once per event that has a value. Negative amounts mirror positive ones; the fixed amount does
    not, it is for the work of an event.
-#}

{% macro percentage_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro percentage_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}

{#- How often the fixed amount is due: for each event that has a value, also where its amount is
    zero. -#}
{% macro percentage_flat_count(valued_event_count) -%}
    {{ valued_event_count }}
{%- endmacro %}
