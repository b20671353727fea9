-- depends_on: {{ ref('stg_usage__events') }}
-- depends_on: {{ ref('int_events__set_aside') }}
-- depends_on: {{ ref('int_event_contents__kept') }}
{%- set range = progress_of('stg_usage__events') %}
{%- set after = range.after_batch_id %}
{%- set outdated = outdated_causes(after) %}
{%- set new_parts = raw_part_paths('affected', after, range.last_batch_id) %}
{%- set old_parts = raw_part_paths('affected', 0, after) if outdated else [] %}

with zone_days as (
    select * from {{ ref('int_time_zone_days__listed') }}
),

segments as (
    select * from {{ ref('int_subjects__segmented') }}
),

new_days as (
    {{ subject_days_of_parts(new_parts) | indent(4) }}
),

old_days as (
    {{ subject_days_of_parts(old_parts) | indent(4) }}
),

sources as (
    select event_source from new_days
    union
    select event_source from old_days
),

{{ systems_of_sources('sources') }},

old_system_days as (
    select
        old_days.ingestion_batch_id,
        old_days.event_date,
        old_days.event_source,
        old_days.subject,
        systems.system_id
    from old_days
    inner join systems on old_days.event_source = systems.event_source
)

{%- if 'judgement' in outdated %},

judged_anew as (
    {{ judged_anew(after) | indent(4) }}
),

-- Where a decision and a new conflict touch one day, the decision is named.
judged_days as (
    select
        judged_anew.ingestion_batch_id,
        judged_anew.event_date,
        judged_anew.subject,
        systems.system_id,
        max(judged_anew.cause) as cause
    from judged_anew
    inner join systems on judged_anew.event_source = systems.event_source
    group by
        judged_anew.ingestion_batch_id,
        judged_anew.event_date,
        judged_anew.subject,
        systems.system_id
)
{%- endif %}

{%- if 'cut' in outdated %},

changed_subjects as (
    {{ changed_subjects() | indent(4) }}
),

counted_slices as (
    select distinct
        counted.system_id,
        counted.subject,
        counted.event_date,
        counted.slice_start_at,
        counted.slice_end_at
    from {{ state_relation('int_usage__counted') }} as counted
    semi join changed_subjects
        on
            counted.system_id = changed_subjects.system_id
            and counted.subject = changed_subjects.subject
),

counted_days as (
    select distinct
        system_id,
        subject,
        event_date
    from counted_slices
),

{{ slice_subject_days('counted_days', 'segments', 'zone_days') }},

recut_days as (
    select distinct
        counted_slices.system_id,
        counted_slices.subject,
        counted_slices.event_date
    from counted_slices
    anti join slices
        on
            counted_slices.system_id = slices.system_id
            and counted_slices.subject = slices.subject
            and counted_slices.event_date = slices.event_date
            and counted_slices.slice_start_at = slices.slice_start_at
            and counted_slices.slice_end_at = slices.slice_end_at
)
{%- endif %},

causes as (
    select
        new_days.ingestion_batch_id,
        new_days.event_date,
        new_days.event_source,
        new_days.subject,
        systems.system_id,
        'new_events' as cause
    from new_days
    inner join systems on new_days.event_source = systems.event_source
    {%- if 'judgement' in outdated %}
    union all
    select
        old_system_days.*,
        judged_days.cause
    from old_system_days
    inner join judged_days
        on
            old_system_days.ingestion_batch_id = judged_days.ingestion_batch_id
            and old_system_days.event_date = judged_days.event_date
            and old_system_days.system_id = judged_days.system_id
            and old_system_days.subject = judged_days.subject
    {%- endif %}
    {%- if 'cut' in outdated %}
    union all
    select
        old_system_days.*,
        'cut' as cause
    from old_system_days
    semi join recut_days
        on
            old_system_days.event_date = recut_days.event_date
            and old_system_days.system_id = recut_days.system_id
            and old_system_days.subject = recut_days.subject
    {%- endif %}
),

final as (
    select
        ingestion_batch_id,
        event_date,
        event_source,
        subject,
        system_id,
        max(cause) as cause
    from causes
    group by
        ingestion_batch_id,
        event_date,
        event_source,
        subject,
        system_id
)

select * from final
