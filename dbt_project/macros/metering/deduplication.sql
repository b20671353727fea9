{#-
    De-duplication by event source and id, over all batches ever. Belongs here: which batches are
    to be searched, the key index, the content that two events are compared by. Does not belong
    here: which of several rows stands (int_events__set_aside).
-#}

{% macro range_to_deduplicate() -%}
    {#- The batches whose keys have not been searched yet. -#}
    {%- do return(tallyhouse.range_to_open(['int_events__set_aside'], '', '')) -%}
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
    {#- The properties of an event as one text, the same for the same content: every one that is
        not null, by name, length-prefixed. -#}
    {%- if not columns -%}
    ''
    {%- endif -%}
    {%- for column in columns -%}
    coalesce('{{ column }}' || {{ tallyhouse.length_prefixed('cast(' ~ column ~ ' as varchar)') }}, '')
    {{- ' || ' if not loop.last }}
    {% endfor -%}
{%- endmacro %}
