{#-
    How incremental models are changed, each in one transaction with its progress (the post-hook).
    Belongs here: which rows a run replaces, and what becomes of their space. Does not belong here:
    what they are replaced by.

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
    {{ tallyhouse.delete_rows(revisited_rows) }}
    {{ tallyhouse.insert_all(arguments) }}
{%- endmacro %}


{% macro get_incremental_replace_counted_sql(arguments) -%}
    {#- Replaces the rows of the batches that this run takes in, and of the older subject-days that
        it counts again. -#}
    {%- set range = tallyhouse.progress_of('stg_usage__events') -%}
    {%- set replaced_rows = ['ingestion_batch_id > ' ~ range.after_batch_id] -%}
    {%- if range.after_batch_id | int > 0 -%}
        {%- do replaced_rows.append(
            '(ingestion_batch_id, event_date, system_id, subject) in ('
            ~ tallyhouse.recounted_days() ~ ')'
        ) -%}
    {%- endif -%}
    {%- for condition in replaced_rows %}
    {{ tallyhouse.delete_rows('from ' ~ arguments.target_relation ~ ' where ' ~ condition) }}
    {%- endfor %}
    {{ tallyhouse.insert_all(arguments) }}
{%- endmacro %}


{% macro insert_all(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='name') | join(', ') -%}
    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ arguments.temp_relation }}
{%- endmacro %}


{% macro delete_rows(rows) -%}
    {#- Delete rows, given from `from` on, where there are any. -#}
    {%- if tallyhouse.rows_of('select 1 ' ~ rows ~ ' limit 1') -%}
    delete {{ rows }};
    {{ tallyhouse.reclaim_deleted_rows() }}
    {%- endif -%}
{%- endmacro %}


{% macro reclaim_deleted_rows() -%}
    {#- Give the space of deleted rows back when the warehouse is closed. -#}
    {{ return(adapter.dispatch('reclaim_deleted_rows', 'tallyhouse')()) }}
{%- endmacro %}

{% macro duckdb__reclaim_deleted_rows() -%}
    set global max_vacuum_tasks = 100;
{%- endmacro %}
