{#-
    graduated_percentage: Σ over entered tiers of (min(amount, upper) − lower) × rate + flat amount.

    It is the graduated ladder over an amount of money: the rate stands as the tier's unit price.
-#}

{% macro graduated_percentage_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ graduated_tier_quantity(billable, lower_bound, upper_bound) }}
{%- endmacro %}

{% macro graduated_percentage_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ graduated_tier_is_entered(billable, lower_bound, upper_bound, tier_number, has_quantity) }}
{%- endmacro %}
