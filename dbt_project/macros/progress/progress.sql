{#-
    Which ingestion batches a model still has to take in. Belongs here: the table model_progress,
    ranges of batches, when everything is to be taken in again. Does not belong here: how batches
    are taken in.

    A range is after_batch_id (exclusive) to last_batch_id (inclusive). Two models open one by
    showing or searching its batches; two close it in the transaction that writes their own rows,
    the last ones of their chain:

        int_key_matches__found  opens, int_events__set_aside          closes: de-duplication
        stg_usage__events       opens, int_distinct_values__counted   closes: metering

    A range that was opened and not closed is opened again, at least as wide, by the next run, and
    what the models in between wrote is replaced.
-#}

{% macro metering_version() -%}
    {#- Raise it with every change of these macros that changes what is counted: everything is then
        counted again. -#}
    {{- 2 -}}
{%- endmacro %}


{% macro progress_relation() -%}
    {%- do return(tallyhouse.state_relation('model_progress')) -%}
{%- endmacro %}

{% macro state_relation(identifier) -%}
    {#- A table in the intermediate schema that no ref can name: state between two runs. -#}
    {%- do return(api.Relation.create(
        database=target.database, schema='intermediate', identifier=identifier, type='table'
    )) -%}
{%- endmacro %}

{% macro has_state(identifier) -%}
    {#- Whether such a table exists. dbt's cache of relations does not know of tables that hooks
        make, hence the question to the database itself. -#}
    {%- set sql -%}
        select 1 as is_there
        from information_schema.tables
        where table_schema = 'intermediate' and table_name = '{{ identifier }}'
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | length > 0) -%}
{%- endmacro %}


{% macro prepare_progress() -%}
    {#- Make the table of progress where there is none yet. -#}
    create schema if not exists {{ tallyhouse.progress_relation().without_identifier() }};
    create table if not exists {{ tallyhouse.progress_relation() }} (
        model_name varchar primary key,
        after_batch_id integer not null,
        last_batch_id integer not null,
        batches_digest varchar not null,
        definitions varchar not null
    )
{%- endmacro %}


{% macro progress_of(model_name) -%}
    {#- The range of a model as a mapping; of no batch at all where it has none. -#}
    {%- set nothing = {
        'after_batch_id': 0, 'last_batch_id': 0, 'batches_digest': '', 'definitions': ''
    } -%}
    {%- if not tallyhouse.has_state('model_progress') -%}
        {%- do return(nothing) -%}
    {%- endif -%}
    {%- set sql -%}
        select
            after_batch_id,
            last_batch_id,
            batches_digest,
            definitions
        from {{ tallyhouse.progress_relation() }}
        where model_name = '{{ model_name }}'
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | first | default(nothing)) -%}
{%- endmacro %}


{% macro batches_digest(last_batch_id) -%}
    {#- What the raw events up to a batch, and the decisions on them, consist of: a digest over
        paths and contents. -#}
    {%- set sql -%}
        select
            coalesce(
                md5({{ tallyhouse.joined_text("path || ' ' || content_sha256", ' ', 'path') }}), ''
            ) as batches_digest
        from {{ source('operations', 'raw_parts') }}
        where
            part_kind in ('events', 'decisions')
            and ingestion_batch_id <= {{ last_batch_id }}
    {%- endset -%}
    {%- do return((tallyhouse.rows_of(sql) | first | default({'batches_digest': ''})).batches_digest) -%}
{%- endmacro %}


{% macro last_committed_batch() -%}
    {%- set sql -%}
        select coalesce(max(ingestion_batch_id), 0) as last_batch_id
        from {{ source('operations', 'raw_parts') }}
    {%- endset -%}
    {%- do return((tallyhouse.rows_of(sql) | first | default({'last_batch_id': 0})).last_batch_id | int) -%}
{%- endmacro %}


{% macro range_to_open(closing_models, definitions_before, definitions_after) -%}
    {#- The range that a run has to take in, as a mapping.

        It starts after the last closed range, or at the first batch when the run is a full refresh,
        when a closing model's table is missing, when the files of closed batches are no longer the
        same, or when the definitions by which they were counted have changed. The last closing
        model owns the row of progress. definitions_before is the text that closed batches would be
        recorded with today, definitions_after the one that this run will record. -#}
    {%- set closed = tallyhouse.progress_of(closing_models | last) -%}
    {%- set reasons = [] -%}
    {%- if flags.FULL_REFRESH -%}
        {%- do reasons.append('full refresh') -%}
    {%- endif -%}
    {%- for model_name in closing_models -%}
        {%- if not tallyhouse.has_state(model_name) -%}
            {%- do reasons.append(model_name ~ ' does not exist') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if closed.batches_digest != tallyhouse.batches_digest(closed.last_batch_id) -%}
        {%- do reasons.append('the files of closed batches changed') -%}
    {%- endif -%}
    {%- if closed.definitions != definitions_before -%}
        {%- do reasons.append('definitions changed') -%}
    {%- endif -%}
    {%- set last_batch_id = tallyhouse.last_committed_batch() -%}
    {%- do return({
        'after_batch_id': 0 if reasons else closed.last_batch_id | int,
        'last_batch_id': last_batch_id,
        'batches_digest': tallyhouse.batches_digest(last_batch_id),
        'definitions': definitions_after,
    }) -%}
{%- endmacro %}


{% macro open_range(model_name, range) -%}
    {#- Record the range that a model shows or searches, for the models after it. -#}
    insert or replace into {{ tallyhouse.progress_relation() }} values (
        '{{ model_name }}',
        {{ range.after_batch_id }},
        {{ range.last_batch_id }},
        '{{ range.batches_digest }}',
        '{{ range.definitions.replace("'", "''") }}'
    )
{%- endmacro %}


{% macro close_range(model_name, opened_by) -%}
    {#- Record that a range has been taken in completely, as it was opened. -#}
    insert or replace into {{ tallyhouse.progress_relation() }}
    select
        '{{ model_name }}',
        after_batch_id,
        last_batch_id,
        batches_digest,
        definitions
    from {{ tallyhouse.progress_relation() }}
    where model_name = '{{ opened_by }}'
{%- endmacro %}


{% macro refuse_partial_rebuild(opened_by, range) -%}
    {#- Stop a model that is built anew from a range that does not start at the first batch. -#}
    {%- if execute and not is_incremental() and range.after_batch_id | int > 0 -%}
        {%- do exceptions.raise_compiler_error(
            'Build ' ~ this.identifier ~ ' anew: ' ~ opened_by ~ ' holds only what came after batch '
            ~ range.after_batch_id ~ '. Select ' ~ opened_by ~ '+ with --full-refresh.'
        ) -%}
    {%- endif -%}
{%- endmacro %}
