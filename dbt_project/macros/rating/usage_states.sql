{#-
    Merging daily states of a meter, in any order and over any number of batches.

    Belongs here: what a database must offer for it. Does not belong here: sums and maxima, which
    merge by themselves.
-#}

{#- The value of the row that comes last by an order of columns, decided to the last column. -#}
{% macro latest_by(value, order_columns) -%}
    {{ return(adapter.dispatch('latest_by', 'tallyhouse')(value, order_columns)) }}
{%- endmacro %}

{% macro duckdb__latest_by(value, order_columns) -%}
    arg_max({{ value }}, row({{ order_columns | join(', ') }}))
    filter (where {{ value }} is not null)
{%- endmacro %}

{#- Months as consecutive whole numbers, so that a range of days is a short list of them. -#}
{% macro month_number(day_date) -%}
    (extract(year from {{ day_date }}) * 12 + extract(month from {{ day_date }}))
{%- endmacro %}

{#- Whether quantities of consecutive stretches of time add up; all others are levels. -#}
{% macro is_additive(aggregation) -%}
    {{ aggregation }} in ('count', 'sum')
{%- endmacro %}
