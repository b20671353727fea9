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

{#-
    The whole number of a decimal(38, 0) column that rarely needs more than 17 digits: an engine may
    then convert a machine word, without a division by one.
-#}
{% macro narrow_whole(column) -%}
    {{ return(adapter.dispatch('narrow_whole', 'tallyhouse')(column)) }}
{%- endmacro %}

{% macro duckdb__narrow_whole(column) -%}
    case
        when {{ column }} between -{{ 10 ** 17 }} and {{ 10 ** 17 }}
            then cast(cast({{ column }} as decimal(18, 0)) as {{ whole_number() }})
        else cast({{ column }} as {{ whole_number() }})
    end
{%- endmacro %}

{#- 10 to a whole power from 0 to 37 that may be a column. -#}
{% macro power_of_ten(exponent) -%}
    {{ return(adapter.dispatch('power_of_ten', 'tallyhouse')(exponent)) }}
{%- endmacro %}

{#- A double holds powers up to the 22nd exactly. -#}
{% macro duckdb__power_of_ten(exponent) -%}
    case
        when {{ exponent }} between 0 and 22
            then cast(power(cast(10 as double), {{ exponent }}) as {{ whole_number() }})
        else cast(rpad('1', cast(1 + {{ exponent }} as integer), '0') as {{ whole_number() }})
    end
{%- endmacro %}

{#-
    number × 10^scale of a decimal of that scale: its digits as a whole number. Numbers of up to 18
    digits, nearly all, may be split as machine words, many times as fast. The number is written
    several times, so that a long expression is better a column first.
-#}
{% macro scaled_integer(number, scale) -%}
    {{ return(adapter.dispatch('scaled_integer', 'tallyhouse')(number, scale)) }}
{%- endmacro %}

{#- No step of the narrow form exceeds 64 bits, where a division becomes slow: decimals are moved
    before the point in two halves. -#}
{% macro duckdb__scaled_integer(number, scale) -%}
    {%- set narrow = 'cast(' ~ number ~ ' as decimal(18, ' ~ scale ~ '))' -%}
    {%- set half = scale // 2 -%}
    case
        when {{ number }} between -{{ 10 ** (18 - scale) - 1 }} and {{ 10 ** (18 - scale) - 1 }}
            then cast(
                cast(floor({{ narrow }}) as bigint) * {{ 10 ** scale }}
                + cast(
                    cast(
                        cast({{ narrow }} - floor({{ narrow }}) as decimal({{ scale + 1 }}, {{ scale }}))
                        * {{ 10 ** half }} as decimal({{ scale + 1 }}, {{ scale - half }})
                    ) * {{ 10 ** (scale - half) }} as bigint
                ) as {{ whole_number() }}
            )
        else
            cast(floor({{ number }}) as {{ whole_number() }}) * {{ 10 ** scale }}
            + cast(
                ({{ number }} - floor({{ number }})) * {{ 10 ** scale }} as {{ whole_number() }}
            )
    end
{%- endmacro %}

{#- The decimal(38, scale) that a scaled integer stands for. -#}
{% macro from_scaled_integer(whole, scale) -%}
    cast(
        cast({{ whole }} as decimal(38, 0))
        * cast({{ '0.' ~ ('0' * (scale - 1)) ~ '1' }} as decimal({{ scale }}, {{ scale }}))
        as decimal(38, {{ scale }})
    )
{%- endmacro %}

{#- The decimal(38, 4) of a whole number of 10^-12 units that is a multiple of 10^-4. -#}
{% macro amount_of_units(units) -%}
    {{ from_scaled_integer(narrow_quotient(units, '100000000'), 4) }}
{%- endmacro %}

{#- Integer division towards zero; the one place where its operator stands. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient', 'tallyhouse')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} // {{ divisor }})
{%- endmacro %}

{#-
    Integer division towards zero, or with operator '%' its rest, of columns that rarely need more
    than 18 digits: an engine may then divide machine words, many times as fast. Operands are
    written several times, so that long expressions are better columns first.
-#}
{% macro narrow_quotient(dividend, divisor, operator='//') -%}
    {{ return(adapter.dispatch('narrow_quotient', 'tallyhouse')(dividend, divisor, operator)) }}
{%- endmacro %}

{% macro duckdb__narrow_quotient(dividend, divisor, operator) -%}
    case
        when {{ divisor }} = 1 then {{ dividend if operator == '//' else '0' }}
        when
            {{ dividend }} between -{{ 10 ** 18 }} and {{ 10 ** 18 }}
            and {{ divisor }} <= {{ 10 ** 18 }}
            then cast({{ dividend }} as bigint) {{ operator }} cast({{ divisor }} as bigint)
        else {{ dividend }} {{ operator }} {{ divisor }}
    end
{%- endmacro %}

{#- Largest whole number at or below dividend ÷ divisor; the divisor is positive. -#}
{% macro floor_quotient(dividend, divisor) -%}
    (
        {{ narrow_quotient(dividend, divisor) }}
        - case
            when {{ dividend }} < 0 and {{ narrow_quotient(dividend, divisor, '%') }} < 0 then 1
            else 0
        end
    )
{%- endmacro %}

{#- dividend − divisor × floor_quotient: from 0 up to, and without, the divisor. -#}
{% macro floor_remainder(dividend, divisor) -%}
    (
        {{ narrow_quotient(dividend, divisor, '%') }}
        + case
            when {{ dividend }} < 0 and {{ narrow_quotient(dividend, divisor, '%') }} < 0
                then {{ divisor }}
            else 0
        end
    )
{%- endmacro %}

{#- What floor_quotient and floor_remainder gave, rounded half away from zero. -#}
{% macro half_away_from_floor(quotient, rest, divisor) -%}
    (
        {{ quotient }}
        + case
            when {{ quotient }} >= 0 and 2 * {{ rest }} >= {{ divisor }} then 1
            when {{ quotient }} < 0 and 2 * {{ rest }} > {{ divisor }} then 1
            else 0
        end
    )
{%- endmacro %}

{#-
    dividend ÷ divisor as a whole number, rounded by a mode that may be a column: 'down' towards
    zero, 'up' away from zero, 'half_even', anything else half away from zero. A negative dividend
    mirrors its positive one, so that a quantity taken back reverses exactly.
    narrow_rounded_quotient is the same number of columns that rarely need more than 18 digits.
-#}
{% macro rounded_quotient(dividend, divisor, rounding) -%}
    {%- set size = 'abs(' ~ dividend ~ ')' -%}
    {{ rounded_from_rest(
        dividend, divisor, rounding, whole_quotient(size, divisor), size ~ ' % ' ~ divisor
    ) }}
{%- endmacro %}

{% macro narrow_rounded_quotient(dividend, divisor, rounding) -%}
    {%- set size = 'abs(' ~ dividend ~ ')' -%}
    {{ rounded_from_rest(
        dividend,
        divisor,
        rounding,
        '(' ~ narrow_quotient(size, divisor) ~ ')',
        '(' ~ narrow_quotient(size, divisor, '%') ~ ')'
    ) }}
{%- endmacro %}

{#- The rounding mode's answer to a quotient towards zero and its rest, both of the size. -#}
{% macro rounded_from_rest(dividend, divisor, rounding, quotient, rest) -%}
    (
        case when {{ dividend }} < 0 then -1 else 1 end
        * (
            {{ quotient }}
            + case
                when {{ rest }} = 0 then 0
                when {{ rounding }} = 'down' then 0
                when {{ rounding }} = 'up' then 1
                when 2 * ({{ rest }}) > {{ divisor }} then 1
                when 2 * ({{ rest }}) < {{ divisor }} then 0
                when {{ rounding }} = 'half_even' then {{ quotient }} % 2
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

{#-
    total × weight ÷ whole as a whole number and its remainder: <name>_units, the largest whole
    number at or below it, and <name>_rest, over abs(whole). The product has up to 70 digits, so it
    is divided five digits of the weight at a time. All three are columns of whole numbers of up to
    33 digits; the whole is not zero. A result beyond 38 digits, which only weights of both signs
    can give, is null.

    in_proportion gives the CTEs that add these columns to a relation for each [total, weight,
    whole, name], the last one called `result`. proportional_columns is the same as columns of one
    select list, for where no CTE can stand; an engine writes each step out again in the later ones,
    and plans long at them.
-#}
{% macro in_proportion(relation, shares, result) -%}
    {{ result }}_begun as (
        select
            *,
            {% for total, weight, whole, name in shares -%}
            {{ proportional_start(total, weight, whole, name) }}
            {{- ',' if not loop.last }}
            {% endfor %}
        from {{ relation }}
    ),

    {% for step in range(1, 8) -%}
    {{ result }}_step_{{ step }} as (
        select
            *,
            {% for _, _, _, name in shares -%}
            {{ proportional_step(step, name) }}
            {{- ',' if not loop.last }}
            {% endfor %}
        from {{ result ~ ('_begun' if loop.first else '_step_' ~ (step - 1)) }}
    ),

    {% endfor -%}
    {{ result }} as (
        select
            *,
            {% for _, _, _, name in shares -%}
            {{ proportional_end(name) }}
            {{- ',' if not loop.last }}
            {% endfor %}
        from {{ result }}_step_7
    )
{%- endmacro %}

{% macro proportional_columns(total, weight, whole, name) -%}
    {{ proportional_start(total, weight, whole, name) }},
    {% for step in range(1, 8) -%}
    {{ proportional_step(step, name) }},
    {% endfor -%}
    {{ proportional_end(name) }}
{%- endmacro %}

{% macro proportional_start(total, weight, whole, name) -%}
    abs({{ total }}) as {{ name }}_total,
    abs({{ whole }}) as {{ name }}_whole,
    lpad(cast(abs({{ weight }}) as varchar), 35, '0') as {{ name }}_digits,
    sign({{ total }}) * sign({{ weight }}) * sign({{ whole }}) < 0 as {{ name }}_is_negative,
    cast(0 as {{ whole_number() }}) as quotient_0_of_{{ name }},
    cast(0 as {{ whole_number() }}) as rest_0_of_{{ name }}
{%- endmacro %}

{% macro proportional_step(step, name) -%}
    {{ checked(
        'rest_' ~ (step - 1) ~ '_of_' ~ name ~ ' * 100000 + ' ~ name
        ~ '_total * cast(substr(' ~ name ~ '_digits, ' ~ (5 * step - 4) ~ ', 5) as '
        ~ whole_number() ~ ')'
    ) }} as part_{{ step }}_of_{{ name }},
    {{ checked(
        'quotient_' ~ (step - 1) ~ '_of_' ~ name ~ ' * 100000 + '
        ~ whole_quotient('part_' ~ step ~ '_of_' ~ name, name ~ '_whole')
    ) }} as quotient_{{ step }}_of_{{ name }},
    part_{{ step }}_of_{{ name }} % {{ name }}_whole as rest_{{ step }}_of_{{ name }}
{%- endmacro %}

{% macro proportional_end(name) -%}
    case
        when not {{ name }}_is_negative then quotient_7_of_{{ name }}
        when rest_7_of_{{ name }} = 0 then -quotient_7_of_{{ name }}
        else -quotient_7_of_{{ name }} - 1
    end as {{ name }}_units,
    case
        when not {{ name }}_is_negative or rest_7_of_{{ name }} = 0
            then rest_7_of_{{ name }}
        else {{ name }}_whole - rest_7_of_{{ name }}
    end as {{ name }}_rest
{%- endmacro %}

{#- The same result rounded to a whole number, half away from zero. -#}
{% macro proportional_rounded(name) -%}
    case when {{ name }}_is_negative then -1 else 1 end * (
        quotient_7_of_{{ name }}
        + case when 2 * rest_7_of_{{ name }} >= {{ name }}_whole then 1 else 0 end
    )
{%- endmacro %}

{#-
    The CTEs that share totals out by weight, so that their parts sum to them: <name>_share, by
    largest remainder, for each [total, weight, whole, name]. `result` is the last CTE. Rows of one
    total have the same value of the column `group`; of equal remainders the lower `number` is
    served first. A total below zero is best shared by its size.
-#}
{% macro in_shares(relation, shares, group, number, result) -%}
    {{ in_proportion(relation, shares, result ~ '_divided') }},

    {{ result }} as (
        select
            *,
            {% for total, _, _, name in shares -%}
            {{ name }}_units
            + {{ one_more_step(
                group,
                [name ~ '_rest'],
                number,
                total ~ ' - sum(' ~ name ~ '_units) over (partition by ' ~ group ~ ')'
            ) }} as {{ name }}_share
            {{- ',' if not loop.last }}
            {% endfor %}
        from {{ result }}_divided
    )
{%- endmacro %}
