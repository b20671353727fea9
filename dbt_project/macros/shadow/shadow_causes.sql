{#-
    Words of the comparison with another system's invoices. Belongs here: the order of the causes,
    the charge that stands for credits. Does not belong here: what a cause comes to.
-#}

{#- What lines of credits have for a charge, on both sides. -#}
{% macro credit_lines_charge() -%}
    'credits'
{%- endmacro %}

{#- Place of a cause in the waterfall, from 1 on. -#}
{% macro shadow_cause_number(cause) -%}
    case {{ cause }}
        {% for name in [
            'not_mapped',
            'customer_only_there',
            'customer_only_here',
            'charge_only_there',
            'charge_only_here',
            'exception',
            'service_period',
            'quantity',
            'quantity_not_priced',
            'term_lines',
            'rounding',
            'price',
            'unexplained',
        ] -%}
        when '{{ name }}' then {{ loop.index }}
        {% endfor -%}
    end
{%- endmacro %}
