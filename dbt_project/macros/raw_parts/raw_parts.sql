{#-
    Raw files as relations. Belongs here: which committed Parquet files a model reads, always from
    the manifest (the raw_parts input) and never by a glob. Does not belong here: which batches a
    model still has to take in (macros/progress), views that open no file when they are made
    (read_when_queried.sql), what an event means.
-#}

{% macro has_data() -%}
    {#- Whether queries can be asked: not while the project is only parsed or linted. -#}
    {%- do return(execute and target.name != 'lint') -%}
{%- endmacro %}


{% macro rows_of(sql) -%}
    {#- The rows of a query as a list of mappings; none where there is no data. -#}
    {%- set rows = [] -%}
    {%- if tallyhouse.has_data() -%}
        {%- for row in run_query(sql) -%}
            {%- do rows.append(dict(zip(row.keys(), row.values()))) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(rows) -%}
{%- endmacro %}


{% macro data_path(path) -%}
    {#- The absolute path, as an SQL literal, of a path relative to the data directory. -#}
    {{- "'" ~ (env_var('TALLYHOUSE_DATA_DIR') ~ '/' ~ path).replace("'", "''") ~ "'" -}}
{%- endmacro %}


{% macro raw_part_paths(part_kind, after_batch_id=0, last_batch_id=none) -%}
    {#- Paths, relative to the data directory, of the committed files of one kind whose batch lies
        after one and, unless none is given, not after another. -#}
    {%- set sql -%}
        select path
        from {{ source('operations', 'raw_parts') }}
        where
            part_kind = '{{ part_kind }}'
            and ingestion_batch_id > {{ after_batch_id }}
            {%- if last_batch_id is not none %}
            and ingestion_batch_id <= {{ last_batch_id }}
            {%- endif %}
            and row_count > 0
        order by path
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | map(attribute='path') | list) -%}
{%- endmacro %}


{% macro read_parts(paths, with_file_name=false) -%}
    {#- A relation over raw files, whose columns are united by name. -#}
    {{ return(adapter.dispatch('read_parts', 'tallyhouse')(paths, with_file_name)) }}
{%- endmacro %}

{% macro duckdb__read_parts(paths, with_file_name) -%}
    read_parquet(
        [
            {%- for path in paths %}
            {{ tallyhouse.data_path(path) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ],
        union_by_name = true,
        hive_partitioning = false
        {{- ', filename = true' if with_file_name }}
    )
{%- endmacro %}


{% macro columns_of_parts(paths) -%}
    {#- The names of the columns that raw files have together; none without files. -#}
    {%- if not paths -%}
        {%- do return([]) -%}
    {%- endif -%}
    {%- set rows = tallyhouse.rows_of('describe select * from ' ~ tallyhouse.read_parts(paths)) -%}
    {%- do return(rows | map(attribute='column_name') | list) -%}
{%- endmacro %}


{% macro event_columns() -%}
    {#- The columns that every raw event has, with their types; property columns come on top. -#}
    {%- do return({
        'ingestion_batch_id': 'integer',
        'file_id': 'integer',
        'line_number': 'bigint',
        'ingested_at': 'timestamp',
        'event_source': 'varchar',
        'event_id': 'varchar',
        'event_type': 'varchar',
        'contract_version': 'varchar',
        'subject': 'varchar',
        'event_at': 'timestamp',
        'event_at_nanos': 'smallint',
        'event_date': 'date',
        'key_hash': 'bigint',
        'digest_1': 'bigint',
        'digest_2': 'bigint',
    }) -%}
{%- endmacro %}


{% macro property_columns(columns) -%}
    {#- Those of some columns that hold a property of the event contracts, sorted. -#}
    {%- set found = [] -%}
    {%- for column in columns | sort -%}
        {%- if column.startswith('q_') or column.startswith('d_') -%}
            {%- do found.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}


{% macro property_type(column) -%}
    {{- 'decimal(38, 9)' if column.startswith('q_') else 'varchar' -}}
{%- endmacro %}


{% macro rows_of_parts(paths, columns) -%}
    {#- A select of columns, given with their types, of raw files; typed and empty without files. -#}
    select
    {%- for name, type in columns.items() %}
        {{ name if paths else 'cast(null as ' ~ type ~ ') as ' ~ name }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    {%- if paths %}
    from {{ tallyhouse.read_parts(paths) }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}


{% macro events_of_parts(paths, columns=none) -%}
    {#- A select of raw events: the columns that every event has, then the named property columns,
        null where no file has one; all that the files have where none are named. Without files it
        is empty but typed. -#}
    {%- set present = tallyhouse.property_columns(tallyhouse.columns_of_parts(paths)) -%}
    {%- set wanted = present if columns is none else columns -%}
    select
        {%- for name, type in tallyhouse.event_columns().items() %}
        {{ name if paths else 'cast(null as ' ~ type ~ ') as ' ~ name }}
        {{- ',' if not loop.last or wanted }}
        {%- endfor %}
        {%- for name in wanted %}
        {{ name if name in present else 'cast(null as ' ~ tallyhouse.property_type(name) ~ ') as ' ~ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    {%- if paths %}
    from {{ tallyhouse.read_parts(paths) }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
