{#-
    What a customer reads on a line. Belongs here: dates, quantities and prices as text. Does not
    belong here: anything that a computation reads again.
-#}

{#- '1–31 Oct 2026', '15 Oct – 14 Nov 2026': the days of [start_date, end_date). -#}
{% macro days_text(start_date, end_date) -%}
    {%- set last_date = '(' ~ end_date ~ ' - 1)' -%}
    case
        when {{ start_date }} = {{ last_date }} then {{ day_text(start_date, '%-d %b %Y') }}
        when date_trunc('month', {{ start_date }}) = date_trunc('month', {{ last_date }})
            then {{ day_text(start_date, '%-d') }} || '–' || {{ day_text(last_date, '%-d %b %Y') }}
        when extract(year from {{ start_date }}) = extract(year from {{ last_date }})
            then
                {{ day_text(start_date, '%-d %b') }} || ' – '
                || {{ day_text(last_date, '%-d %b %Y') }}
        else
            {{ day_text(start_date, '%-d %b %Y') }} || ' – '
            || {{ day_text(last_date, '%-d %b %Y') }}
    end
{%- endmacro %}

{#- A date by a pattern of strftime. -#}
{% macro day_text(day_date, pattern) -%}
    {{ return(adapter.dispatch('day_text', 'tallyhouse')(day_date, pattern)) }}
{%- endmacro %}

{% macro duckdb__day_text(day_date, pattern) -%}
    strftime({{ day_date }}, '{{ pattern }}')
{%- endmacro %}

{#- A price with at least the currency's decimals: 2.5 in USD is '2.50', 0.000016 stays. -#}
{% macro price_text(price, minor_unit) -%}
    {%- set text = decimal_text(price) -%}
    {%- set point = "instr(" ~ text ~ " || '.', '.')" -%}
    case
        when {{ minor_unit }} > greatest(length({{ text }}) - {{ point }}, 0)
            then
                rpad(
                    case
                        when {{ point }} > length({{ text }}) then {{ text }} || '.'
                        else {{ text }}
                    end,
                    cast({{ point }} + {{ minor_unit }} as integer),
                    '0'
                )
        else {{ text }}
    end
{%- endmacro %}

{#- A price as a charge model says it: a rate of 0.029 is '2.9 %', a multiplier stays a number. -#}
{% macro charge_price_text(charge_model, price, minor_unit) -%}
    case
        when {{ charge_model }} in ('percentage', 'graduated_percentage')
            then
                {{ decimal_text(checked('cast(' ~ price ~ ' * 100 as decimal(38, 10))')) }}
                || ' %'
        when {{ charge_model }} in ('cost_plus', 'dynamic') then {{ decimal_text(price) }}
        else {{ price_text(price, minor_unit) }}
    end
{%- endmacro %}

{#- The same with its currency, where it is an amount of money: 'USD 2.50'. -#}
{% macro charge_price_words(charge_model, price, minor_unit, currency_code) -%}
    case
        when {{ prices_money(charge_model) }}
            then {{ charge_price_text(charge_model, price, minor_unit) }}
        else {{ money_words(currency_code, price_text(price, minor_unit)) }}
    end
{%- endmacro %}

{#- 'USD 1,234.50' of a currency and the text of a number. -#}
{% macro money_words(currency_code, number_text) -%}
    {{ currency_code }} || ' ' || {{ grouped_text('(' ~ number_text ~ ')') }}
{%- endmacro %}

{#- '{"model":"large","region":"eu"}' as 'model large, region eu'; empty without dimensions. -#}
{% macro dimensions_text(dimension_key) -%}
    replace(
        replace(
            replace(
                replace(replace({{ dimension_key }}, '{"', ''), '"}', ''),
                '","', ', '
            ),
            '":"', ' '
        ),
        '{}', ''
    )
{%- endmacro %}

{#- The text of a number with its thousands apart: '1234567.50' as '1,234,567.50'. -#}
{% macro grouped_text(number_text) -%}
    {{ return(adapter.dispatch('grouped_text', 'tallyhouse')(number_text)) }}
{%- endmacro %}

{% macro duckdb__grouped_text(number_text) -%}
    case
        when instr({{ number_text }} || '.', '.') <= 4 then {{ number_text }}
        else
            regexp_extract({{ number_text }}, '^-?')
            || format('{:,}', cast(regexp_extract({{ number_text }}, '[0-9]+') as hugeint))
            || regexp_extract({{ number_text }}, '[.][0-9]+$')
    end
{%- endmacro %}

{#- '1,320 calls', '1 call', '2.5 GB', '3 × 1M tokens'; the number alone without a unit. -#}
{% macro units_text(number_text, unit) -%}
    {{ grouped_text(number_text) }} || case
        when {{ number_text }} in ('1', '-1') then {{ unit_text(unit) }}
        else {{ several_units_text(unit) }}
    end
{%- endmacro %}

{#- The same of a unit whose words, <name>_unit_words and <name>_units_words, are columns. -#}
{% macro counted_text(number_text, name) -%}
    {{ grouped_text(number_text) }} || case
        when {{ number_text }} in ('1', '-1') then {{ name }}_unit_words
        else {{ name }}_units_words
    end
{%- endmacro %}

{#- What stands behind the number one: ' call', ' × 1M tokens', or nothing without a unit. -#}
{% macro unit_text(unit) -%}
    coalesce(
        case when {{ is_several(unit) }} then ' × ' || {{ unit }} else ' ' || {{ unit }} end, ''
    )
{%- endmacro %}

{#- What stands behind other numbers: ' calls'. -#}
{% macro several_units_text(unit) -%}
    coalesce(
        case
            when {{ is_several(unit) }} then ' × ' || {{ unit }}
            else ' ' || {{ plural_text(unit) }}
        end,
        ''
    )
{%- endmacro %}

{#- Whether a unit counts several of another one, as '1M tokens' and '1000 calls' do. -#}
{% macro is_several(unit) -%}
    substr({{ unit }}, 1, 1) between '0' and '9'
{%- endmacro %}

{#- A unit in the plural. A unit whose last word is no English word in the singular stays: a symbol
    such as GB or kWh, anything with capitals, what ends in s already. -#}
{% macro plural_text(unit) -%}
    {{ return(adapter.dispatch('plural_text', 'tallyhouse')(unit)) }}
{%- endmacro %}

{% macro duckdb__plural_text(unit) -%}
    case
        when not regexp_matches({{ unit }}, '(^|[ -])[a-z]{2,}[a-rt-z]$') then {{ unit }}
        when regexp_matches({{ unit }}, '[^aeiou]y$')
            then left({{ unit }}, length({{ unit }}) - 1) || 'ies'
        when regexp_matches({{ unit }}, '(x|z|ch|sh)$') then {{ unit }} || 'es'
        else {{ unit }} || 's'
    end
{%- endmacro %}

{#- How a quantity came from another one: ' (', ' (rounded up from ' by the conversion's mode. -#}
{% macro came_from_text(rounding) -%}
    case {{ rounding }}
        when 'none' then ' ('
        when 'half_up' then ' (rounded from '
        when 'half_even' then ' (rounded to even from '
        else ' (rounded ' || {{ rounding }} || ' from '
    end
{%- endmacro %}
