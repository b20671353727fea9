{#-
    The cuts of a subject's days. Belongs here: the ends of time, the mark of every meter, the slices
    that a subject's UTC day falls into. Does not belong here: who a subject is
    (int_subjects__segmented), when a local day starts (macros/portable/instants.sql).
-#}

{% macro start_of_time() -%}
    timestamp '0001-01-01 00:00:00'
{%- endmacro %}

{% macro end_of_time() -%}
    timestamp '9999-12-31 00:00:00'
{%- endmacro %}

{% macro every_meter() -%}
    {#- Stands for every meter that has no row of its own; no meter can have this id. -#}
    '*'
{%- endmacro %}


{% macro slice_subject_days(days, segments, zone_days) -%}
    {#- The CTEs that cut UTC days of subjects, given as a relation of (system_id, subject,
        event_date), wherever a segment or a local day of one of its contracts starts. The last one,
        slices, has slice_start_at and slice_end_at; the slices of a day are gap-free. -#}
    day_cuts as (
        select
            {{ days }}.system_id,
            {{ days }}.subject,
            {{ days }}.event_date,
            cast({{ days }}.event_date as timestamp) as cut_at
        from {{ days }}
        union
        select
            {{ days }}.system_id,
            {{ days }}.subject,
            {{ days }}.event_date,
            {{ segments }}.segment_start_at as cut_at
        from {{ days }}
        inner join {{ segments }}
            on
                {{ days }}.system_id = {{ segments }}.system_id
                and {{ days }}.subject = {{ segments }}.subject
                and cast({{ days }}.event_date as timestamp) < {{ segments }}.segment_start_at
                and cast({{ days }}.event_date + 1 as timestamp) > {{ segments }}.segment_start_at
        union
        select
            {{ days }}.system_id,
            {{ days }}.subject,
            {{ days }}.event_date,
            {{ zone_days }}.part_start_at as cut_at
        from {{ days }}
        inner join {{ segments }}
            on
                {{ days }}.system_id = {{ segments }}.system_id
                and {{ days }}.subject = {{ segments }}.subject
                and cast({{ days }}.event_date as timestamp) < {{ segments }}.segment_end_at
                and cast({{ days }}.event_date + 1 as timestamp) > {{ segments }}.segment_start_at
        inner join {{ zone_days }}
            on
                {{ segments }}.time_zone = {{ zone_days }}.time_zone
                and {{ days }}.event_date = {{ zone_days }}.event_date
                and {{ segments }}.segment_start_at < {{ zone_days }}.part_start_at
                and {{ segments }}.segment_end_at > {{ zone_days }}.part_start_at
    ),

    slices as (
        select
            system_id,
            subject,
            event_date,
            cut_at as slice_start_at,
            coalesce(
                lead(cut_at) over (
                    partition by system_id, subject, event_date
                    order by cut_at
                ),
                cast(event_date + 1 as timestamp)
            ) as slice_end_at
        from day_cuts
    )
{%- endmacro %}
