{#-
    stairstep: the flat amount of the tier (lower, upper] that the quantity reaches, and no other.

    It is the volume ladder without unit prices. Zero reaches the first tier, where zero usage is
    charged.
-#}

{% macro stairstep_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ volume_tier_quantity(billable, lower_bound, upper_bound) }}
{%- endmacro %}

{% macro stairstep_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ volume_tier_is_entered(billable, lower_bound, upper_bound, tier_number, has_quantity) }}
{%- endmacro %}
