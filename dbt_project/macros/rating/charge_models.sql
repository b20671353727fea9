{#-
    The list of charge models, and the choice between them row by row.

    Belongs here: dispatch by the charge_model column. Does not belong here: any model's rule,
    which stands in charge_model_<name>.sql.
-#}

{% macro tier_quantity(charge_model, billable, lower_bound, upper_bound) -%}
    case {{ charge_model }}
        when 'flat' then {{ flat_tier_quantity(billable, lower_bound, upper_bound) }}
        when 'per_unit' then {{ per_unit_tier_quantity(billable, lower_bound, upper_bound) }}
        when 'graduated' then {{ graduated_tier_quantity(billable, lower_bound, upper_bound) }}
        when 'volume' then {{ volume_tier_quantity(billable, lower_bound, upper_bound) }}
        when 'package' then {{ package_tier_quantity(billable, lower_bound, upper_bound) }}
    end
{%- endmacro %}

{% macro tier_is_entered(
    charge_model, billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    case {{ charge_model }}
        {% for model, is_entered in [
            ('flat', flat_tier_is_entered),
            ('per_unit', per_unit_tier_is_entered),
            ('graduated', graduated_tier_is_entered),
            ('volume', volume_tier_is_entered),
            ('package', package_tier_is_entered),
        ] -%}
            when '{{ model }}'
                then {{ is_entered(
                    billable, lower_bound, upper_bound, tier_number, has_quantity
                ) }}
        {% endfor -%}
    end
{%- endmacro %}
