{#-
    The range in which quantities and amounts are exact, and sums that stay inside it.

    Belongs here: the limit and the guard. Does not belong here: what happens to a row beyond it,
    which is an amount_overflow exception of that line alone.

    Below 10^20 a sum over a billion rows cannot leave decimal(38, 9), so one absurd row can never
    abort a run.
-#}

{% macro largest_quantity() -%}
    cast(100000000000000000000 as decimal(38, 9))
{%- endmacro %}

{% macro is_within_limit(number) -%}
    ({{ number }} > -{{ largest_quantity() }} and {{ number }} < {{ largest_quantity() }})
{%- endmacro %}

{#- Sum of the rows inside the range; pair it with any_beyond_limit. -#}
{% macro limited_sum(number) -%}
    sum(case when {{ is_within_limit(number) }} then {{ number }} end)
{%- endmacro %}

{% macro any_beyond_limit(number) -%}
    coalesce(bool_or(not {{ is_within_limit(number) }}), false)
{%- endmacro %}

{#- A whole number of 10^-12 units of money, or null beyond 10^20 units of the currency. -#}
{% macro limited_amount(units) -%}
    case
        when abs({{ units }}) < cast({{ 10 ** 32 }} as {{ whole_number() }}) then {{ units }}
    end
{%- endmacro %}
