{#-
    What a run has to count. Belongs here: what earlier runs counted that no longer holds, and the
    files that have to be read again for it. Does not belong here: how events are counted.
-#}

{% macro counted_segments_relation() -%}
    {#- The segments by which everything that is counted was cut: a copy of int_subjects__segmented,
        taken when a run has counted. -#}
    {%- do return(tallyhouse.state_relation('counted_segments')) -%}
{%- endmacro %}


{% macro keep_counted_segments() -%}
    create or replace table {{ tallyhouse.counted_segments_relation() }} as
    select distinct
        system_id,
        subject,
        segment_start_at,
        segment_end_at,
        time_zone
    from {{ ref('int_subjects__segmented') }}
{%- endmacro %}


{% macro changed_subjects() -%}
    {#- A select of the subjects whose segments are cut otherwise than when they were counted. -#}
    {%- set columns = 'system_id, subject, segment_start_at, segment_end_at, time_zone' -%}
    select distinct
        system_id,
        subject
    from (
        (
            select {{ columns }} from {{ ref('int_subjects__segmented') }}
            except
            select {{ columns }} from {{ tallyhouse.counted_segments_relation() }}
        )
        union all
        (
            select {{ columns }} from {{ tallyhouse.counted_segments_relation() }}
            except
            select {{ columns }} from {{ ref('int_subjects__segmented') }}
        )
    )
{%- endmacro %}


{% macro judged_anew(after_batch_id) -%}
    {#- A select of the first rows of contents that stand otherwise than when they were counted: a
        later batch brought another content of the identity, or a decision about it. -#}
    select
        ingestion_batch_id,
        event_date,
        event_source,
        subject,
        case
            when decided_by_batch_id > {{ after_batch_id }} then 'decision'
            else 'conflict'
        end as cause
    from {{ ref('int_event_contents__kept') }}
    where
        ingestion_batch_id <= {{ after_batch_id }}
        and standing_since_batch_id > {{ after_batch_id }}
{%- endmacro %}


{% macro outdated_causes(after_batch_id) -%}
    {#- Which of 'judgement' (a conflict or a decision) and 'cut' make earlier counts outdated in
        this run. -#}
    {%- set causes = [] -%}
    {%- if after_batch_id | int > 0 -%}
        {%- if tallyhouse.rows_of(tallyhouse.judged_anew(after_batch_id) ~ ' limit 1') -%}
            {%- do causes.append('judgement') -%}
        {%- endif -%}
        {%- if tallyhouse.rows_of(tallyhouse.changed_subjects() ~ ' limit 1') -%}
            {%- do causes.append('cut') -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return(causes) -%}
{%- endmacro %}


{% macro subject_days_of_parts(paths) -%}
    {#- A select of the subject-days that affected lists name, with their accepted events. -#}
    select
    {%- if paths %}
        ingestion_batch_id,
        event_date,
        event_source,
        subject,
        event_count
    from {{ tallyhouse.read_parts(paths) }}
    {%- else %}
        cast(null as integer) as ingestion_batch_id,
        cast(null as date) as event_date,
        cast(null as varchar) as event_source,
        cast(null as varchar) as subject,
        cast(null as bigint) as event_count
    where false
    {%- endif %}
{%- endmacro %}


{% macro recounted_days() -%}
    {#- A select of the older subject-days that the run counts again, each once. -#}
    select distinct
        ingestion_batch_id,
        event_date,
        system_id,
        subject
    from {{ ref('int_partitions__affected') }}
    where cause <> 'new_events'
{%- endmacro %}


{% macro recounted_event_parts() -%}
    {#- Paths of the older raw files that hold the events to be counted again. -#}
    {%- set sql -%}
        select distinct parts.path
        from {{ source('operations', 'raw_parts') }} as parts
        inner join {{ ref('int_partitions__affected') }} as affected
            on
                parts.ingestion_batch_id = affected.ingestion_batch_id
                and parts.event_date = affected.event_date
        where
            parts.part_kind = 'events'
            and parts.row_count > 0
            and affected.cause <> 'new_events'
        order by parts.path
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | map(attribute='path') | list) -%}
{%- endmacro %}
