{#-
    Unit conversion and free units: from what was metered to what a price is asked for.

    Belongs here: the step before pricing, kept exact. Does not belong here: any price.

    Without rounding, the converted quantity is the rational quantity × multiply ÷ divide. It is
    never divided: the numerator goes on, and tier bounds are multiplied by the divisor instead.
    With rounding, the quotient is rounded first and the divisor is 1 from there on.
-#}

{% macro converted_quantity(quantity, multiplier, divisor, rounding, decimals) -%}
    case
        when {{ rounding }} = 'none' then {{ checked(quantity ~ ' * ' ~ multiplier) }}
        else {{ checked(from_scaled_integer(
            rounded_quotient(
                scaled_integer(quantity, 9) ~ ' * cast(' ~ multiplier ~ ' as '
                ~ whole_number() ~ ')',
                '(cast(' ~ divisor ~ ' as ' ~ whole_number() ~ ') * '
                ~ power_of_ten('9 - ' ~ decimals) ~ ')',
                rounding
            ) ~ ' * ' ~ power_of_ten('9 - ' ~ decimals),
            9
        )) }}
    end
{%- endmacro %}

{#- What is left of a converted quantity after free units; a negative one has no use for them. Null,
    beyond 38 digits, stays null; free units beyond them leave nothing. -#}
{% macro billable_quantity(converted, free_quantity) -%}
    case
        when {{ converted }} <= 0 or {{ converted }} is null then {{ converted }}
        else greatest(0, {{ converted }} - {{ free_quantity }})
    end
{%- endmacro %}

{#- A scaled quantity divided by its divisor, to nine decimals: for people, never for a price. -#}
{% macro unscaled_quantity(scaled_quantity, divisor) -%}
    case
        when {{ divisor }} = 1
            then {{ checked('cast(' ~ scaled_quantity ~ ' as decimal(38, 9))') }}
        else {{ checked(from_scaled_integer(
            rounded_quotient(
                scaled_integer('(' ~ scaled_quantity ~ ')', 9),
                'cast(' ~ divisor ~ ' as ' ~ whole_number() ~ ')',
                "'half_away'"
            ),
            9
        )) }}
    end
{%- endmacro %}
