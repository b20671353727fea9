{#-
    package: ceil(max(0, q − free) / size) × price; rounding down is a choice of the price.

    Its billable quantity is the number of packages, counted before tiers are looked at.
-#}

{#- Whole packages in a quantity; quantity and size are decimals scaled by the same divisor. -#}
{% macro package_count(quantity, package_size, package_rounding) -%}
    cast(
        {{
            rounded_quotient(
                scaled_integer(quantity, 9), scaled_integer(package_size, 9), package_rounding
            )
        }}
        as decimal(38, 9)
    )
{%- endmacro %}

{% macro package_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro package_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}
