{#-
    Gathering counted rows of a meter, of many days and batches, into one.

    Belongs here: which rows are gathered, and what becomes of each figure. Does not belong here: by
    what they are gathered (int_usage__gathered); what a meter makes of the figures
    (usage_states.sql).
-#}

{% macro figures_of_every_row() -%}
    {{ return([
        'event_count', 'quantity_sum', 'digest_sum_1', 'digest_sum_2', 'first_event_at',
        'last_event_at'
    ]) }}
{%- endmacro %}

{#- Only some meters have them, or only some events: most rows have nothing in them. -#}
{% macro figures_of_some_rows() -%}
    {{ return([
        'is_beyond_limit', 'unvalued_event_count', 'negative_event_count', 'quantity_max',
        'quantity_min', 'latest'
    ]) }}
{%- endmacro %}

{% macro latest_order() -%}
    {{ return(
        ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
    ) }}
{%- endmacro %}

{#- Rows of meters with the instant that they are gathered by: all rows of a subject with the same
    one lie in one local month. -#}
{% macro spanned_usage() -%}
    select
        counted.*,
        coalesce(event_dates.span_start_at, counted.slice_start_at) as span_at
    from {{ ref('int_usage__counted') }} as counted
    inner join {{ ref('int_event_dates__spanned') }} as event_dates
        on counted.event_date = event_dates.event_date
    where counted.counted_kind = 'meter'
{%- endmacro %}

{% macro has_figures_of_some_rows() -%}
    (
        unvalued_event_count > 0
        or negative_event_count > 0
        or quantity_max is not null
        or quantity_min is not null
        or latest_quantity is not null
        or not {{ is_within_limit('quantity_sum') }}
    )
{%- endmacro %}

{% macro gathered_figure(figure) -%}
    {%- if figure in ['event_count', 'unvalued_event_count', 'negative_event_count'] -%}
    cast(sum({{ figure }}) as bigint) as {{ figure }}
    {%- elif figure == 'quantity_sum' -%}
    {{ limited_sum('quantity_sum') }} as quantity_sum
    {%- elif figure == 'is_beyond_limit' -%}
    {{ any_beyond_limit('quantity_sum') }} as is_beyond_limit
    {%- elif figure in ['digest_sum_1', 'digest_sum_2'] -%}
    {{ digest_sum(figure) }} as {{ figure }}
    {%- elif figure == 'latest' -%}
    {{ latest_state('latest_quantity', latest_order()) }} as latest
    {%- else -%}
    {%- set extreme = 'max' if figure in ['quantity_max', 'last_event_at'] else 'min' -%}
    {{ extreme }}({{ figure }}) as {{ figure }}
    {%- endif -%}
{%- endmacro %}
