{#-
    What a tier comes to, exactly.

    Belongs here: quantity × price + flat amounts, × the share of time, as whole numbers and the rest
    of a division. Does not belong here: how much a tier takes (int_charge_tiers__priced), rounding
    to minor units (int_charges__rounded), the arithmetic itself (exact_arithmetic.sql).
-#}

{#- The CTEs that price the tiers that runs entered: tier_quantity and flat_count by price_units and
    run_flat_units, × share_units ÷ share_of_units ÷ unit_divisor. The last one, rested, has the
    amount in units of 10^-12: shared_wholes + rest_units + rest ÷ denominator. A tier that a run
    neither fills nor pays for has no row, but the first tier always has one. -#}
{% macro tier_amounts(entered) -%}
    -- Whole numbers: prices in units of 10^-12, quantities of 10^-9.
    split as (
        select
            *,
            {{ scaled_integer('tier_quantity', 9) }} as quantity_units
        from {{ entered }}
        where
            tier_number = 1
            or charge_model = 'dimensional'
            or tier_quantity is null
            or tier_quantity <> 0
            or flat_count <> 0
    ),

    divided as (
        select
            *,
            {{ floor_quotient('quantity_units', 'unit_divisor') }} as priced_wholes,
            {{ floor_remainder('quantity_units', 'unit_divisor') }} as priced_rest
        from split
    ),

    multiplied as (
        select
            *,
            {{ checked(
                '(priced_wholes * price_units + flat_count * run_flat_units) * share_units'
            ) }} as whole_amount,
            {{ checked('priced_rest * price_units * share_units') }} as rest_amount
        from divided
    ),

    -- amount × share_of_units = whole_amount + rest_amount ÷ unit_divisor, still exact.
    shared as (
        select
            *,
            {{ floor_quotient('whole_amount', 'share_of_units') }} as shared_wholes,
            {{ checked(
                floor_remainder('whole_amount', 'share_of_units')
                ~ ' * unit_divisor + rest_amount'
            ) }} as shared_rest
        from multiplied
    ),

    -- Divided towards zero; the rest then has the sign of what was divided.
    settled as (
        select
            *,
            {{ narrow_quotient('shared_rest', 'denominator') }} as rest_units
        from shared
    ),

    rested as (
        select
            *,
            shared_rest - rest_units * denominator as rest
        from settled
    )
{%- endmacro %}
