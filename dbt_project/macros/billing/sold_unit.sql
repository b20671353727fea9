{#-
    What a document line is counted in. Belongs here: packages that a customer buys, as against units
    that they hold. Does not belong here: how a unit reads (rating/line_text.sql).
-#}

{#- Packages that are counted on the total are what a customer buys; of all else, the unit. -#}
{% macro sold_unit(lines, charges) -%}
    case
        when {{ lines }}.charge_model = 'package' and {{ charges }}.package_counting = 'total'
            then 'package'
        else {{ lines }}.unit_label
    end
{%- endmacro %}
