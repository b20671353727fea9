{#-
    How incremental models are changed, each in one transaction with its progress (the post-hook).
    Belongs here: which rows a run replaces. Does not belong here: what they are replaced by.

    Replacing is by range and by key, never by comparing rows, so that a run that is repeated, or
    that takes up where another one broke off, leaves the same rows.
-#}

{% macro get_incremental_replace_identities_sql(arguments) -%}
    {#- Replaces the rows of every identity that was revisited; all rows where the run revisits all
        batches. -#}
    {%- set range = tallyhouse.progress_of('int_key_matches__found') -%}
    {%- set revisited_rows -%}
        from {{ arguments.target_relation }}
        {%- if range.after_batch_id | int > 0 %}
        where (event_source, event_id) in (
            select
                event_source,
                event_id
            from {{ ref('int_events__revisited') }}
        )
        {%- endif %}
    {%- endset -%}
    {%- if tallyhouse.rows_of('select 1 ' ~ revisited_rows ~ ' limit 1') %}
    delete {{ revisited_rows }};
    {{ tallyhouse.reclaim_deleted_rows() }}
    {%- endif %}
    {{ tallyhouse.insert_all(arguments) }}
{%- endmacro %}


{% macro get_incremental_replace_counted_sql(arguments) -%}
    {#- Replaces the rows of the batches that this run takes in, and of the older subject-days that
        it counts again. -#}
    {%- set range = tallyhouse.progress_of('stg_usage__events') -%}
    {%- set recounted_days -%}
        select
            ingestion_batch_id,
            event_date,
            system_id,
            subject
        from {{ ref('int_partitions__affected') }}
        where cause <> 'new_events'
    {%- endset -%}
    delete from {{ arguments.target_relation }}
    where ingestion_batch_id > {{ range.after_batch_id }};
    {%- if range.after_batch_id | int > 0 and tallyhouse.rows_of(recounted_days ~ ' limit 1') %}
    delete from {{ arguments.target_relation }}
    where (ingestion_batch_id, event_date, system_id, subject) in ({{ recounted_days }});
    {{ tallyhouse.reclaim_deleted_rows() }}
    {%- endif %}
    {{ tallyhouse.insert_all(arguments) }}
{%- endmacro %}


{% macro insert_all(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='name') | join(', ') -%}
    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ arguments.temp_relation }}
{%- endmacro %}


{% macro reclaim_deleted_rows() -%}
    {#- Give the space of deleted rows back when the warehouse is closed. -#}
    {{ return(adapter.dispatch('reclaim_deleted_rows', 'tallyhouse')()) }}
{%- endmacro %}

{% macro duckdb__reclaim_deleted_rows() -%}
    set global max_vacuum_tasks = 100;
{%- endmacro %}
