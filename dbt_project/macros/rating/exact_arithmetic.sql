{#-
    Exact whole-number arithmetic under every price: what decimals alone cannot do.

    Belongs here: scaled integers, floor division with its remainder, rounded division, shares by
    largest remainder, and the form that yields null instead of aborting. Does not belong here: a
    charge model, or what an amount means.

    A decimal divided by a decimal is a double, and a product of decimals loses seventeen integer
    digits to its scale. So money is carried as a whole number of 10^-12 units plus a remainder
    over a known denominator, and is rounded once.
-#}

{#- Null where the expression overflows, instead of an aborted query. -#}
{% macro checked(expression) -%}
    {{ return(adapter.dispatch('checked', 'tallyhouse')(expression)) }}
{%- endmacro %}

{% macro duckdb__checked(expression) -%}
    try({{ expression }})
{%- endmacro %}

{#- The type of a whole number with up to 38 digits. -#}
{% macro whole_number() -%}
    {{ return(adapter.dispatch('whole_number', 'tallyhouse')()) }}
{%- endmacro %}

{% macro duckdb__whole_number() -%}
    hugeint
{%- endmacro %}

{#- 10 to a whole, non-negative power that may be a column. -#}
{% macro power_of_ten(exponent) -%}
    cast(rpad('1', cast(1 + {{ exponent }} as integer), '0') as {{ whole_number() }})
{%- endmacro %}

{#- number × 10^scale of a decimal of that scale: its digits as a whole number. -#}
{% macro scaled_integer(number, scale) -%}
    (
        cast(floor({{ number }}) as {{ whole_number() }}) * {{ 10 ** scale }}
        + cast(
            ({{ number }} - floor({{ number }})) * {{ 10 ** scale }} as {{ whole_number() }}
        )
    )
{%- endmacro %}

{#- The decimal(38, scale) that a scaled integer stands for. -#}
{% macro from_scaled_integer(whole, scale) -%}
    cast(
        cast({{ whole }} as decimal(38, 0))
        * cast({{ '0.' ~ ('0' * (scale - 1)) ~ '1' }} as decimal({{ scale }}, {{ scale }}))
        as decimal(38, {{ scale }})
    )
{%- endmacro %}

{#- Integer division towards zero; the one place where its operator stands. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient', 'tallyhouse')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} // {{ divisor }})
{%- endmacro %}

{#- Largest whole number at or below dividend ÷ divisor; the divisor is positive. -#}
{% macro floor_quotient(dividend, divisor) -%}
    (
        {{ whole_quotient(dividend, divisor) }}
        - case when {{ dividend }} % {{ divisor }} < 0 then 1 else 0 end
    )
{%- endmacro %}

{#- dividend − divisor × floor_quotient: from 0 up to, and without, the divisor. -#}
{% macro floor_remainder(dividend, divisor) -%}
    (
        {{ dividend }} % {{ divisor }}
        + case when {{ dividend }} % {{ divisor }} < 0 then {{ divisor }} else 0 end
    )
{%- endmacro %}

{#-
    dividend ÷ divisor as a whole number, rounded by a mode that may be a column: 'down' towards
    zero, 'up' away from zero, 'half_even', anything else half away from zero. A negative dividend
    mirrors its positive one, so that a quantity taken back reverses exactly.
-#}
{% macro rounded_quotient(dividend, divisor, rounding) -%}
    (
        case when {{ dividend }} < 0 then -1 else 1 end
        * (
            {{ whole_quotient('abs(' ~ dividend ~ ')', divisor) }}
            + case
                when abs({{ dividend }}) % {{ divisor }} = 0 then 0
                when {{ rounding }} = 'down' then 0
                when {{ rounding }} = 'up' then 1
                when 2 * (abs({{ dividend }}) % {{ divisor }}) > {{ divisor }} then 1
                when 2 * (abs({{ dividend }}) % {{ divisor }}) < {{ divisor }} then 0
                when {{ rounding }} = 'half_even'
                    then {{ whole_quotient('abs(' ~ dividend ~ ')', divisor) }} % 2
                else 1
            end
        )
    )
{%- endmacro %}

{#-
    One more step for the parts with the largest remainders, until what rounding left over is shared
    out: parts then sum to the whole. Equal remainders go by number.
-#}
{% macro one_more_step(whole, remainders, number, left_over, step='1') -%}
    case
        when
            row_number() over (
                partition by {{ whole }}
                order by {% for each in remainders %}{{ each }} desc, {% endfor %}{{ number }} asc
            ) <= {{ left_over }}
            then {{ step }}
        else 0
    end
{%- endmacro %}

{#- Decimals that a decimal(38, 9) really uses: 1.500000000 uses one. -#}
{% macro decimals_used(number) -%}
    length(rtrim(split_part(cast({{ number }} as varchar), '.', 2), '0'))
{%- endmacro %}
