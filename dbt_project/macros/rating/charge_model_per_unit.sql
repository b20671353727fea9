{#- per_unit: quantity × price. Negative quantities mirror positive ones. -#}

{% macro per_unit_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro per_unit_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}
