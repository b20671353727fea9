{{ config(materialized='view') }}

{%- set usual = figures_of_every_row() %}
{%- set rare = figures_of_some_rows() %}
{%- set span_key = ['system_id', 'subject', 'counted_id', 'dimension_key', 'span_at'] %}
{%- set placed_key = 'placed.' ~ span_key | join(',\n        placed.') %}

with stretches as (
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
        {{ span_key | join(',\n        ') }},
        {% for figure in usual -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        min(slice_start_at) as first_slice_at,
        max(slice_start_at) as last_slice_at
    from spanned
    group by
        {{ span_key | join(',\n        ') }}
),

rare_figures as (
    select
        {% for figure in rare -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        {{ span_key | join(',\n        ') }}
    from spanned_rarely
    where {{ has_figures_of_some_rows() }}
    group by
        {{ span_key | join(',\n        ') }}
),

-- Where first and last slice lie in one stretch, so do all.
placed as (
    select
        usual_figures.*,
        stretches.stretch_number
    from usual_figures
    left join stretches
        on
            usual_figures.system_id = stretches.system_id
            and usual_figures.subject = stretches.subject
            and {{ month_number('usual_figures.first_slice_at') }}
            = stretches.usage_month
            and usual_figures.first_slice_at >= stretches.stretch_start_at
            and usual_figures.last_slice_at < stretches.stretch_end_at
),

whole as (
    select
        placed.system_id,
        placed.subject,
        placed.counted_id,
        placed.dimension_key,
        {% for figure in usual -%}
        placed.{{ figure }},
        {% endfor -%}
        {% for figure in rare -%}
        rare_figures.{{ figure }},
        {% endfor -%}
        placed.first_slice_at
    from placed
    left join rare_figures
        on
            placed.system_id = rare_figures.system_id
            and placed.subject = rare_figures.subject
            and placed.counted_id = rare_figures.counted_id
            and placed.dimension_key = rare_figures.dimension_key
            and placed.span_at = rare_figures.span_at
    where placed.stretch_number is not null
),

cut_spans as (
    select
        {{ placed_key }}
    from placed
    semi join stretches
        on
            placed.system_id = stretches.system_id
            and placed.subject = stretches.subject
    where placed.stretch_number is null
),

cut_rows as (
    select
        spanned_again.*,
        stretches.stretch_number
    from spanned_again
    inner join cut_spans
        on
            spanned_again.system_id = cut_spans.system_id
            and spanned_again.subject = cut_spans.subject
            and spanned_again.counted_id = cut_spans.counted_id
            and spanned_again.dimension_key = cut_spans.dimension_key
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
        system_id,
        subject,
        counted_id,
        dimension_key,
        {% for figure in usual + rare -%}
        {{ gathered_figure(figure) | indent(8) }},
        {% endfor -%}
        min(slice_start_at) as first_slice_at
    from cut_rows
    group by system_id, subject, counted_id, dimension_key, stretch_number
),

gathered as (
    select * from whole
    union all
    select * from cut
),

-- All of a stretch is resolved and priced alike: its first slice stands for it.
slices as (
    select
        *,
        first_slice_at as slice_start_at,
        cast(first_slice_at as date) as event_date
    from gathered
),

{{ resolved_slices('slices', 'slices.counted_id') }},

final as (
    select
        contract_id,
        customer_id,
        counted_id as meter_id,
        dimension_key,
        slice_start_at,
        local_date,
        event_count,
        cast(coalesce(unvalued_event_count, 0) as bigint) as unvalued_event_count,
        cast(coalesce(negative_event_count, 0) as bigint) as negative_event_count,
        quantity_sum,
        is_beyond_limit,
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
