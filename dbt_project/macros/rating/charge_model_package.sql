{#-
    package: ceil(max(0, q − free) ÷ size) × price; rounding down is a choice of the price.

    With tiers, packages are counted in one of two ways. On the total: q is turned into packages
    once, its billable quantity is their number, and the tiers' bounds are packages too. Per tier:
    the quantity runs up the ladder, and the packages begun in each tier are counted there. One tier
    is the same in both.
-#}

{#- Whole packages in a quantity; quantity and size are columns of whole numbers of 10^-9, scaled by
    the same divisor. -#}
{% macro package_count(quantity_units, package_size_units, package_rounding) -%}
    cast(
        {{ rounded_quotient(quantity_units, package_size_units, package_rounding) }}
        as decimal(38, 9)
    )
{%- endmacro %}

{#- Whether a price counts its packages once, before the ladder; of the columns of a relation. -#}
{% macro counts_packages_on_the_total(relation='') -%}
    ({{ relation }}charge_model = 'package' and {{ relation }}package_counting = 'total')
{%- endmacro %}

{#- A tier's bound as packages. It is a multiple of the size: validation refuses any other. -#}
{% macro whole_packages(quantity, package_size) -%}
    {%- set packages = whole_quotient(
        scaled_integer(quantity, 9), scaled_integer(package_size, 9)
    ) -%}
    {{ checked('cast(' ~ packages ~ ' as decimal(38, 9))') }}
{%- endmacro %}

{#- Whether it counts them in each tier; of the columns of a relation. -#}
{% macro counts_packages_per_tier() -%}
    (charge_model = 'package' and package_counting = 'per_tier')
{%- endmacro %}

{% macro package_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ graduated_tier_quantity(billable, lower_bound, upper_bound) }}
{%- endmacro %}

{% macro package_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ graduated_tier_is_entered(billable, lower_bound, upper_bound, tier_number, has_quantity) }}
{%- endmacro %}
