{#-
    graduated: Σ over entered tiers of (min(q, upper) − lower) × unit price + flat amount.

    Tiers are (lower, upper]; a tier is entered when q > lower, so a quantity on a bound stays in
    the tier below it. The first tier is entered by any quantity, also one that free units cover.
    A quantity beyond 38 digits is null and stays so: greatest and least would drop it.
-#}

{% macro graduated_tier_quantity(billable, lower_bound, upper_bound) -%}
    case
        when {{ billable }} is not null
            then greatest(
                0,
                least({{ billable }}, coalesce({{ upper_bound }}, {{ billable }})) - {{ lower_bound }}
            )
    end
{%- endmacro %}

{% macro graduated_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    case
        when {{ tier_number }} = 1 then {{ has_quantity }} else {{ billable }} > {{ lower_bound }}
    end
{%- endmacro %}
