{#-
    dynamic: the price travels on the event. The meter multiplies it into its value, so the quantity
    is the amount already and is priced at one. Negative quantities mirror positive ones.
-#}

{% macro dynamic_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro dynamic_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}
