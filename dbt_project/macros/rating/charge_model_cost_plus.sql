{#-
    cost_plus: a metered cost × multiplier, which stands as the tier's unit price. Negative
    quantities mirror positive ones.
-#}

{% macro cost_plus_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro cost_plus_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}
