{#-
    The list of charge models, and the choice between them row by row.

    Belongs here: dispatch by the charge_model column, and what models have in common. Does not
    belong here: any model's rule, which stands in charge_model_<name>.sql.

    Every charge model answers the same two questions about a tier and a billable quantity, both
    scaled by the price's divisor: how much of the quantity the tier prices, and whether the tier's
    flat amount is due.
-#}

{#- How much of a billable quantity a tier prices. Packages per tier are counted in it next. -#}
{% macro tier_quantity(charge_model, billable, lower_bound, upper_bound) -%}
    case {{ charge_model }}
        {% for model, quantity in [
            ('flat', flat_tier_quantity),
            ('per_unit', per_unit_tier_quantity),
            ('seats', seats_tier_quantity),
            ('graduated', graduated_tier_quantity),
            ('volume', volume_tier_quantity),
            ('stairstep', stairstep_tier_quantity),
            ('package', package_tier_quantity),
            ('percentage', percentage_tier_quantity),
            ('graduated_percentage', graduated_percentage_tier_quantity),
            ('dimensional', dimensional_tier_quantity),
            ('dynamic', dynamic_tier_quantity),
            ('cost_plus', cost_plus_tier_quantity),
        ] -%}
            when '{{ model }}'
                then {{ quantity(billable, lower_bound, upper_bound) }}
        {% endfor -%}
    end
{%- endmacro %}

{% macro tier_is_entered(
    charge_model, billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    case {{ charge_model }}
        {% for model, is_entered in [
            ('flat', flat_tier_is_entered),
            ('per_unit', per_unit_tier_is_entered),
            ('seats', seats_tier_is_entered),
            ('graduated', graduated_tier_is_entered),
            ('volume', volume_tier_is_entered),
            ('stairstep', stairstep_tier_is_entered),
            ('package', package_tier_is_entered),
            ('percentage', percentage_tier_is_entered),
            ('graduated_percentage', graduated_percentage_tier_is_entered),
            ('dimensional', dimensional_tier_is_entered),
            ('dynamic', dynamic_tier_is_entered),
            ('cost_plus', cost_plus_tier_is_entered),
        ] -%}
            when '{{ model }}'
                then {{ is_entered(
                    billable, lower_bound, upper_bound, tier_number, has_quantity
                ) }}
        {% endfor -%}
    end
{%- endmacro %}

{#- Whether a model prices a negative quantity as the mirror of the positive one. A ladder, a
    package or a seat taken back below nothing has no price. -#}
{% macro mirrors_negative_quantities(charge_model) -%}
    ({{ charge_model }} in ('per_unit', 'percentage', 'dynamic', 'cost_plus'))
{%- endmacro %}

{#- Whether a model's quantity is an amount of money, and is worded so. -#}
{% macro prices_money(charge_model) -%}
    ({{ charge_model }} in ('percentage', 'graduated_percentage', 'dynamic', 'cost_plus'))
{%- endmacro %}
