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
    case
        when {{ minor_unit }} > length(split_part({{ decimal_text(price) }}, '.', 2))
            then
                split_part({{ decimal_text(price) }}, '.', 1) || '.'
                || rpad(split_part({{ decimal_text(price) }}, '.', 2), {{ minor_unit }}, '0')
        else {{ decimal_text(price) }}
    end
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
