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
