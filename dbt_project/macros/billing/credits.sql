{#-
    How prepaid credit is drawn. Belongs here: the steps that several models of credits share.
    Does not belong here: which grant comes first, or which keys there are.
-#}

{#-
    What of left_units may be drawn so that a scope, whose keys come to sum(amount_units), never
    falls below zero: keys are served in the order of key_number.
-#}
{% macro up_to_net(left_units, scope) -%}
    greatest(
        least(
            {{ left_units }},
            cast(
                sum(amount_units) over (partition by {{ scope | join(', ') }})
                as {{ whole_number() }}
            )
            - {{ sum_before(left_units, scope) }}
        ),
        cast(0 as {{ whole_number() }})
    )
{%- endmacro %}

{#-
    What of left_units has to go back so that a scope keeps no more than is owed there: keys give
    back in the order of key_number.
-#}
{% macro beyond_owed(left_units, owed_units, scope) -%}
    greatest(
        least(
            {{ left_units }},
            cast(
                sum({{ left_units }}) over (partition by {{ scope | join(', ') }})
                as {{ whole_number() }}
            )
            - greatest({{ owed_units }}, cast(0 as {{ whole_number() }}))
            - {{ sum_before(left_units, scope) }}
        ),
        cast(0 as {{ whole_number() }})
    )
{%- endmacro %}

{#- The sum of a whole number over the keys of a scope that come before a key. -#}
{% macro sum_before(number, scope) -%}
    coalesce(
        cast(
            sum({{ number }}) over (
                partition by {{ scope | join(', ') }}
                order by key_number
                rows between unbounded preceding and 1 preceding
            ) as {{ whole_number() }}
        ),
        cast(0 as {{ whole_number() }})
    )
{%- endmacro %}

{#- A decimal(38, 12) rounded half away from zero to a currency's minor unit; decimal(38, 4). -#}
{% macro rounded_to_minor_unit(amount, minor_unit) -%}
    {{ from_scaled_integer(
        rounded_quotient(
            scaled_integer(amount, 12),
            power_of_ten('12 - ' ~ minor_unit),
            "'half_up'",
        ) ~ ' * ' ~ power_of_ten('4 - ' ~ minor_unit),
        4
    ) }}
{%- endmacro %}
