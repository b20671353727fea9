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

{#- That value with its order, by name: a state that merges again by latest_by. -#}
{% macro latest_state(value, order_columns) -%}
    {{ return(adapter.dispatch('latest_state', 'tallyhouse')(value, order_columns)) }}
{%- endmacro %}

{% macro duckdb__latest_state(value, order_columns) -%}
    {%- set fields = [] -%}
    {%- for column in order_columns + [value] -%}
        {%- do fields.append(column ~ ' := ' ~ column) -%}
    {%- endfor -%}
    max(struct_pack({{ fields | join(', ') }})) filter (where {{ value }} is not null)
{%- endmacro %}

{#- Months as consecutive whole numbers, so that a range of days is a short list of them. -#}
{% macro month_number(day_date) -%}
    (extract(year from {{ day_date }}) * 12 + extract(month from {{ day_date }}))
{%- endmacro %}

{#- Whether quantities of consecutive stretches of time add up; all others are levels. -#}
{% macro is_additive(aggregation, window_aggregation) -%}
    coalesce(
        {{ window_aggregation }} = 'sum',
        {{ aggregation }} in ('count', 'sum', 'weighted_sum')
    )
{%- endmacro %}

{#- Whether a meter's quantity is the sum of its events' quantities, however time is cut. -#}
{% macro is_sum_of_events(meters) -%}
    (
        {{ meters }}.aggregation in ('count', 'sum')
        and coalesce({{ meters }}.window_aggregation, 'sum') = 'sum'
    )
{%- endmacro %}

{#- Whether the figures of int_usage__counted, merged, are not yet a meter's quantity. -#}
{% macro is_refined(meters) -%}
    (
        {{ meters }}.window_unit is not null
        or {{ meters }}.aggregation in ('unique_count', 'weighted_sum', 'percentile')
        or ({{ meters }}.aggregation = 'latest' and {{ meters }}.carry_in = 'previous')
    )
{%- endmacro %}

{#- Whether a meter has a quantity in every window, be it a level of zero. -#}
{% macro holds_in_every_window(meters) -%}
    (
        {{ meters }}.aggregation = 'weighted_sum'
        or ({{ meters }}.aggregation = 'unique_count' and {{ meters }}.carry_in = 'previous')
    )
{%- endmacro %}

{#- sum ÷ count, rounded once, half away from zero, to nine decimals; null for no count. -#}
{% macro average_of(quantity_sum, quantity_count) -%}
    case
        when {{ quantity_count }} > 0
            then {{ from_scaled_integer(
                rounded_quotient(
                    scaled_integer(quantity_sum, 9), quantity_count, "'half_away'"
                ), 9
            ) }}
    end
{%- endmacro %}

{#- The quantity of merged figures of int_usage__counted, null where it has none. -#}
{% macro counted_quantity(aggregation, figures='') -%}
    cast(
        case {{ aggregation }}
            when 'count' then cast({{ figures }}event_count as decimal(38, 9))
            when 'sum' then coalesce({{ figures }}quantity_sum, {{ zero_quantity() }})
            when 'max' then {{ figures }}quantity_max
            when 'min' then {{ figures }}quantity_min
            when 'avg' then {{ average_of(
                figures ~ 'quantity_sum',
                '(' ~ figures ~ 'event_count - ' ~ figures ~ 'unvalued_event_count)'
            ) | indent(16) }}
            when 'latest' then {{ figures }}latest_quantity
        end as decimal(38, 9)
    )
{%- endmacro %}

{% macro zero_quantity() -%}
    cast(0 as decimal(38, 9))
{%- endmacro %}

{#- A level beyond this is not weighted by its time: 10^15 units over a year fit 38 digits. -#}
{% macro largest_level() -%}
    cast(1000000000000000 as decimal(38, 9))
{%- endmacro %}

{#- The CTEs that take the percentile of values (key columns, percentile, quantity, event_count) by
    nearest rank: the smallest value that at least this share of the events does not exceed. The
    last one, ranked, has the key and its quantity. -#}
{% macro ranked_values(value_events, key_columns) -%}
    accumulated as (
        select
            *,
            sum(event_count) over (
                partition by {{ key_columns | join(', ') }}
                order by quantity
                rows between unbounded preceding and current row
            ) as events_up_to,
            sum(event_count) over (
                partition by {{ key_columns | join(', ') }}
            ) as events_of_all
        from {{ value_events }}
    ),

    ranked as (
        select
            {{ key_columns | join(',\n            ') }},
            min(quantity) as quantity
        from accumulated
        where
            cast(events_up_to as decimal(27, 0)) * 100
            >= cast(events_of_all as decimal(20, 0)) * cast(percentile as decimal(12, 9))
        group by {{ key_columns | join(', ') }}
    )
{%- endmacro %}
