{#-
    flat: a fee once per period. Belongs here: its tier rule. Proration by days is the line's.

    Every charge model answers the same two questions about a tier and a billable quantity, both
    scaled by the conversion's divisor: how much of the quantity the tier prices, and whether the
    tier's flat amount is due.
-#}

{% macro flat_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro flat_tier_is_entered(billable, lower_bound, upper_bound, tier_number, has_quantity) -%}
    true
{%- endmacro %}
