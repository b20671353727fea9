{#-
    Exact decimal arithmetic. Belongs here: every multiply, divide and round on a quantity, a
    price or an amount. Does not belong here: which of them a rule asks for.

    Quantities are decimal(38, 9), prices decimal(38, 12). A result that does not fit is null
    instead of an aborted query: null from non-null inputs is an overflow of that row alone.
    An engine without an implementation of its own fails when the model is compiled.
-#}

{% macro multiply(left, right, scale) -%}
    {#- The exact product, rounded once, half away from zero, to `scale` decimals; decimal(38, scale).
        The product itself must fit: decimal(38, 9) x decimal(38, 12) leaves 17 integer digits. -#}
    {{ return(adapter.dispatch('multiply', 'tallyhouse')(left, right, scale)) }}
{%- endmacro %}

{% macro duckdb__multiply(left, right, scale) -%}
    try(cast(({{ left }}) * ({{ right }}) as decimal(38, {{ scale }})))
{%- endmacro %}


{% macro divide(dividend, divisor, scale, rounding='half_away', dividend_scale=9, divisor_scale=9) -%}
    {#- dividend / divisor, rounded once to `scale` decimals by integer division; decimal(38, scale).

        dividend_scale and divisor_scale say how many decimals the two have at most. rounding:
        half_away, up (away from zero) or down (towards zero). Null when the divisor is zero or
        a step exceeds 38 digits: abs(dividend) < 10^(29 - scale) is safe at the defaults. -#}
    {%- do known_rounding('divide', rounding, ('half_away', 'up', 'down')) -%}
    {{ return(adapter.dispatch('divide', 'tallyhouse')(
        dividend, divisor, scale, rounding, dividend_scale, divisor_scale
    )) }}
{%- endmacro %}

{% macro duckdb__divide(dividend, divisor, scale, rounding, dividend_scale, divisor_scale) -%}
    {%- set shift = scale + divisor_scale - dividend_scale -%}
    {%- set top = power_of_ten_as_integer(dividend, dividend_scale, [shift, 0] | max) -%}
    {%- set bottom = power_of_ten_as_integer(divisor, divisor_scale, [0 - shift, 0] | max) -%}
    {%- set half_up = {
        'down': '0',
        'up': bottom ~ ' - 1',
        'half_away': bottom ~ ' // 2',
    }[rounding] -%}
    try(
        cast(
            cast((({{ top }} + {{ half_up }}) // {{ bottom }}) as decimal(38, 0))
            * sign({{ dividend }}) * sign({{ divisor }})
            * {{ smallest_unit(scale) }}
            as decimal(38, {{ scale }})
        )
    )
{%- endmacro %}

{% macro power_of_ten_as_integer(number, number_scale, shift) -%}
    {#- abs(number) x 10^(number_scale + shift) as an integer of 128 bits. -#}
    (
        abs(cast(
            cast({{ number }} as decimal(38, {{ number_scale }}))
            * cast(1{{ '0' * number_scale }} as decimal({{ number_scale + 1 }}, 0))
            as hugeint
        )) * cast(1{{ '0' * shift }} as hugeint)
    )
{%- endmacro %}

{% macro smallest_unit(scale) -%}
    {#- 10^-scale as a decimal literal. -#}
    {%- if scale == 0 -%} cast(1 as decimal(1, 0))
    {%- else -%} cast(0.{{ '0' * (scale - 1) }}1 as decimal({{ scale }}, {{ scale }}))
    {%- endif -%}
{%- endmacro %}


{% macro round_decimal(number, scale, rounding='half_away') -%}
    {#- `number` rounded to `scale` decimals, as decimal(38, scale): half_away, half_even, up (away
        from zero) or down (towards zero). `scale` is a number known at compile time. -#}
    {%- do known_rounding('round_decimal', rounding, ('half_away', 'half_even', 'up', 'down')) -%}
    {{ return(adapter.dispatch('round_decimal', 'tallyhouse')(number, scale, rounding)) }}
{%- endmacro %}

{% macro duckdb__round_decimal(number, scale, rounding) -%}
    {%- set rounded -%}
        {%- if rounding == 'half_away' -%}
            round({{ number }}, {{ scale }})
        {%- elif rounding == 'half_even' -%}
            round_even({{ number }}, {{ scale }})
        {%- elif rounding == 'down' -%}
            trunc({{ number }}, {{ scale }})
        {%- else -%}
            trunc({{ number }}, {{ scale }})
            + case
                when trunc({{ number }}, {{ scale }}) <> {{ number }}
                    then sign({{ number }}) * {{ smallest_unit(scale) }}
                else 0
            end
        {%- endif -%}
    {%- endset -%}
    try(cast({{ rounded }} as decimal(38, {{ scale }})))
{%- endmacro %}


{% macro round_to_minor_unit(amount, minor_unit, rounding_mode) -%}
    {#- An amount at its currency's minor unit, as decimal(38, 4). minor_unit (0 to 4) and
        rounding_mode ('half_away' or 'half_even') are columns; any other value gives null. -#}
    case
        {% for mode in ('half_away', 'half_even') -%}
        {% for decimals in range(5) -%}
        when {{ rounding_mode }} = '{{ mode }}' and {{ minor_unit }} = {{ decimals }}
            then try(cast({{ tallyhouse.round_decimal(amount, decimals, mode) }} as decimal(38, 4)))
        {% endfor -%}
        {% endfor -%}
    end
{%- endmacro %}


{% macro round_to_scale(number, decimals, rounding, most_decimals=9) -%}
    {#- `number` rounded to the decimals in a column, as decimal(38, most_decimals). rounding is a
        column: 'none', 'up', 'down' or 'half_up' (half away from zero); other values give null. -#}
    case
        when {{ rounding }} = 'none'
            then cast({{ number }} as decimal(38, {{ most_decimals }}))
        {% for name, mode in {'up': 'up', 'down': 'down', 'half_up': 'half_away'}.items() -%}
        {% for scale in range(most_decimals + 1) -%}
        when {{ rounding }} = '{{ name }}' and {{ decimals }} = {{ scale }}
            then try(cast(
                {{ tallyhouse.round_decimal(number, scale, mode) }} as decimal(38, {{ most_decimals }})
            ))
        {% endfor -%}
        {% endfor -%}
    end
{%- endmacro %}


{% macro raise_to_step(number, step) -%}
    {#- The smallest multiple of `step`, a positive decimal literal, that is no less than `number`;
        decimal(38, 9). Both must lie below 10^28. -#}
    {{ return(adapter.dispatch('raise_to_step', 'tallyhouse')(number, step)) }}
{%- endmacro %}

{% macro duckdb__raise_to_step(number, step) -%}
    (
        {{ number }} - {{ number }} % {{ step }}
        + case when {{ number }} % {{ step }} > 0 then {{ step }} else 0 end
    )
{%- endmacro %}


{% macro known_rounding(macro_name, rounding, known) -%}
    {%- if rounding not in known -%}
        {%- do exceptions.raise_compiler_error(
            macro_name ~ "() was asked for the rounding '" ~ rounding ~ "': it knows "
            ~ known | join(', ') ~ ". Name one of them."
        ) -%}
    {%- endif -%}
{%- endmacro %}
