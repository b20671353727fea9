{#-
    Raw events for a view that is made without a raw file being opened. Belongs here: the function
    that names the files, and the select over it. Does not belong here: which files are committed
    (raw_parts.sql), what the view shows.

    An engine looks into every Parquet file that a view names when the view is made. So the view
    names a function instead, which returns no file while the view is made (the model's pre-hook)
    and the committed ones afterwards (its post-hook), in one transaction. A file that is missing
    when the view is queried stops the query.
-#}

{% macro raw_event_paths_relation() -%}
    {#- The name of the function, beside the view that calls it. -#}
    {%- do return(api.Relation.create(schema='rating', identifier='raw_event_paths')) -%}
{%- endmacro %}


{% macro return_raw_event_paths(paths) -%}
    {#- Make the function return these files, given relative to the data directory. -#}
    {{ return(adapter.dispatch('return_raw_event_paths', 'tallyhouse')(paths)) }}
{%- endmacro %}

{% macro duckdb__return_raw_event_paths(paths) -%}
    create or replace macro {{ tallyhouse.raw_event_paths_relation() }}() as cast([
        {%- for path in paths %}
        {{ tallyhouse.data_path(path) }}{{ ',' if not loop.last }}
        {%- endfor %}
    ] as varchar[])
{%- endmacro %}


{% macro events_read_when_queried(property_columns) -%}
    {#- A select of the events in the function's files: the columns that every event has, then the
        named property columns, null where no file has one. -#}
    {{ return(adapter.dispatch('events_read_when_queried', 'tallyhouse')(property_columns)) }}
{%- endmacro %}

{% macro duckdb__events_read_when_queried(property_columns) -%}
    {%- set types = tallyhouse.event_columns() -%}
    {%- for column in property_columns -%}
        {%- do types.update({column: tallyhouse.property_type(column)}) -%}
    {%- endfor -%}
    select
        {{ types | join(',\n        ') }}
    from (
        select
            {%- for column, type in types.items() %}
            cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
        union all by name
        select *
        from read_parquet(
            {{ tallyhouse.raw_event_paths_relation() }}(),
            union_by_name = true,
            hive_partitioning = false,
            allow_empty = (len({{ tallyhouse.raw_event_paths_relation() }}()) = 0)
        )
    )
{%- endmacro %}
