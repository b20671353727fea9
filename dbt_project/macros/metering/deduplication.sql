{#-
    De-duplication by event source and id, over all batches ever. Belongs here: which batches are
    to be searched, the key index, the content that two events are compared by, which identities
    decisions name. Does not belong here: which of several rows stands (int_events__judged).
-#}

{% macro range_to_deduplicate() -%}
    {#- The batches whose keys have not been searched yet. -#}
    {%- do return(tallyhouse.range_to_open(
        ['int_event_contents__kept', 'int_events__set_aside'], '', ''
    )) -%}
{%- endmacro %}


{% macro keys_of_parts(paths) -%}
    {#- A select of the key index: 52 bits of each event's key, its UTC date and its file. -#}
    select
    {%- if paths %}
        key_prefix,
        event_date,
        filename as file_name
    from {{ tallyhouse.read_parts(paths, with_file_name=true) }}
    {%- else %}
        cast(null as bigint) as key_prefix,
        cast(null as date) as event_date,
        cast(null as varchar) as file_name
    where false
    {%- endif %}
{%- endmacro %}


{% macro key_prefix(key_hash) -%}
    {#- The 52 bits of a 60-bit key hash that the index keeps. -#}
    ({{ key_hash }} >> 8)
{%- endmacro %}


{% macro matched_event_parts() -%}
    {#- Paths of the raw files that hold the rows of the matched keys. -#}
    {%- set sql -%}
        select distinct parts.path
        from {{ source('operations', 'raw_parts') }} as parts
        inner join {{ ref('int_key_matches__found') }} as found
            on
                parts.ingestion_batch_id = found.ingestion_batch_id
                and parts.event_date = found.event_date
        where parts.part_kind = 'events' and parts.row_count > 0
        order by parts.path
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | map(attribute='path') | list) -%}
{%- endmacro %}


{% macro content_text(columns) -%}
    {#- The properties of an event as one JSON object, the same for the same content: every one that
        is not null, by column, in order; numbers as text, without needless decimals. -#}
    '{' || ltrim(
        {%- for column in columns %}
        case
            when {{ column }} is null then ''
            else ',"{{ column }}":' || {{ tallyhouse.json_text_of(
                tallyhouse.decimal_text(column) if column.startswith('q_') else column
            ) }}
        end ||
        {%- endfor %} '', ','
    ) || '}'
{%- endmacro %}


{% macro kept_contents(content_standing, columns) -%}
    {#- A select of the kept contents that stand in one way, with the named property columns. -#}
    select
        *
        {%- for column in columns %},
        cast({{ tallyhouse.json_field_text('content_text', tallyhouse.text_literal(column)) }}
            as {{ tallyhouse.property_type(column) }}) as {{ column }}
        {%- endfor %}
    from {{ ref('int_event_contents__kept') }}
    where content_standing = '{{ content_standing }}'
{%- endmacro %}


{% macro are_decisions_made(after_batch_id=0) -%}
    {#- Whether a decision came after a batch. -#}
    {%- set sql -%}
        select 1
        from {{ ref('int_event_decisions__standing') }}
        where ingestion_batch_id > {{ after_batch_id }}
        limit 1
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | length > 0) -%}
{%- endmacro %}


{% macro decisions_of_parts(paths) -%}
    {#- A select of the decisions on events in raw files; typed and empty without files. -#}
    {%- set columns = {
        'ingestion_batch_id': 'integer',
        'register_sequence': 'bigint',
        'decision_number': 'integer',
        'event_source': 'varchar',
        'event_id': 'varchar',
        'key_hash': 'bigint',
        'decision': 'varchar',
        'content_digest': 'varchar',
        'known_digests': 'varchar[]',
        'reason': 'varchar',
        'author': 'varchar',
        'author_source': 'varchar',
        'decided_at': 'timestamp',
    } -%}
    {{ tallyhouse.rows_of_parts(paths, columns) }}
{%- endmacro %}
