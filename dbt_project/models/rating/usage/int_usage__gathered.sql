{{ config(materialized='view') }}

{%- set usual = figures_of_every_row() %}
{%- set rare = figures_of_some_rows() %}

with series as (
    select * from {{ ref('int_usage__series') }}
),

stretches as (
    select * from {{ ref('int_subjects__stretched') }}
),

spanned as (
    {{ spanned_usage() | indent(4) }}
),

spanned_rarely as (
    {{ spanned_usage() | indent(4) }}
),

spanned_again as (
    {{ spanned_usage() | indent(4) }}
),

-- As if nothing changed within the span of any subject.
usual_figures as (
    select
        {% for figure in usual -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        series_key,
        span_at
    from spanned
    group by
        series_key,
        span_at
),

rare_figures as (
    select
        {% for figure in rare -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        series_key,
        span_at
    from spanned_rarely
    where {{ has_figures_of_some_rows() }}
    group by
        series_key,
        span_at
),

named as (
    select
        usual_figures.*,
        series.system_id,
        series.subject,
        series.meter_id,
        series.dimension_key
    from usual_figures
    left join series on usual_figures.series_key = series.series_key
),

-- Where first and last event lie in one stretch, so do all.
placed as (
    select
        named.*,
        stretches.stretch_start_at
    from named
    left join stretches
        on
            named.system_id = stretches.system_id
            and named.subject = stretches.subject
            and {{ month_number('named.first_event_at') }} = stretches.usage_month
            and named.first_event_at >= stretches.stretch_start_at
            and named.last_event_at < stretches.stretch_end_at
),

whole as (
    select
        {% for figure in usual -%}
        placed.{{ figure }},
        {% endfor -%}
        {% for figure in rare -%}
        rare_figures.{{ figure }},
        {% endfor -%}
        placed.system_id,
        placed.subject,
        placed.meter_id,
        placed.dimension_key
    from placed
    left join rare_figures
        on
            placed.series_key = rare_figures.series_key
            and placed.span_at = rare_figures.span_at
    where placed.stretch_start_at is not null
),

cut_spans as (
    select
        placed.series_key,
        placed.span_at,
        placed.meter_id
    from placed
    semi join stretches
        on
            placed.system_id = stretches.system_id
            and placed.subject = stretches.subject
    where placed.stretch_start_at is null
),

cut_rows as (
    select
        spanned_again.*,
        cut_spans.meter_id,
        stretches.stretch_start_at
    from spanned_again
    inner join cut_spans
        on
            spanned_again.series_key = cut_spans.series_key
            and spanned_again.span_at = cut_spans.span_at
    inner join stretches
        on
            spanned_again.system_id = stretches.system_id
            and spanned_again.subject = stretches.subject
            and {{ month_number('spanned_again.event_date') }} = stretches.usage_month
            and spanned_again.slice_start_at >= stretches.stretch_start_at
            and spanned_again.slice_start_at < stretches.stretch_end_at
),

-- Of these, each row finds its own stretch.
cut as (
    select
        {% for figure in usual + rare -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        system_id,
        subject,
        meter_id,
        dimension_key
    from cut_rows
    group by system_id, subject, meter_id, dimension_key, stretch_start_at
),

gathered as (
    select * from whole
    union all
    select * from cut
),

-- All of a stretch is resolved and priced alike, as its first event is.
slices as (
    select
        *,
        first_event_at as slice_start_at,
        cast(first_event_at as date) as event_date
    from gathered
),

{{ resolved_slices('slices', 'slices.meter_id') }},

final as (
    select
        contract_id,
        customer_id,
        meter_id,
        dimension_key,
        slice_start_at as placed_at,
        local_date,
        event_count,
        cast(coalesce(unvalued_event_count, 0) as bigint) as unvalued_event_count,
        cast(coalesce(negative_event_count, 0) as bigint) as negative_event_count,
        quantity_sum,
        coalesce(is_beyond_limit, false) as is_beyond_limit,
        quantity_max,
        quantity_min,
        latest.latest_quantity,
        {% for column in latest_order() -%}
        latest.{{ column }},
        {% endfor -%}
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at
    from resolved
    where contract_id is not null
)

select * from final
