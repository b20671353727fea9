{#-
    dimensional: quantity × the price of the most specific match of its dimension values.

    Each match of a price is a tier of its own, and so is the default; a line reads the one that
    int_dimension_prices__matched chose for it.
-#}

{% macro dimensional_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro dimensional_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}
