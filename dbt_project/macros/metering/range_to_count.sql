{% macro range_to_count() -%}
    {#- The batches that metering has to take in: those after the last ones counted, or all of them
        where a meter, or the system of a source that was counted before, is another one today, or
        where the table of a state is missing that some meter needs. -#}
    {%- set counted = tallyhouse.progress_of('int_distinct_values__counted') -%}
    {%- set kept = tallyhouse.event_keeping_meters(tallyhouse.price_book_meters()) -%}
    {%- do return(tallyhouse.range_to_open(
        ['int_usage__counted'] + (['int_events__kept'] if kept else [])
        + ['int_distinct_values__counted'],
        tallyhouse.counting_definitions(counted.last_batch_id) if counted.last_batch_id | int > 0 else '',
        tallyhouse.counting_definitions(tallyhouse.last_committed_batch()),
    )) -%}
{%- endmacro %}


{% macro counting_definitions(last_batch_id) -%}
    {#- What decides how the events up to a batch are counted, as text: the meters' digests, and the
        system of every source that occurs in them. -#}
    {%- set sql -%}
        with sources as (
            select distinct listed.event_source
            from {{ ref('stg_usage__source_days') }} as listed
            inner join {{ source('operations', 'raw_parts') }} as parts
                on
                    listed.ingestion_batch_id = parts.ingestion_batch_id
                    and listed.content_sha256 = parts.content_sha256
            where parts.part_kind = 'affected' and parts.ingestion_batch_id <= {{ last_batch_id }}
        ),

        {{ tallyhouse.systems_of_sources('sources') }}

        select
            coalesce((
                select md5({{ tallyhouse.joined_text("meter_id || ' ' || definition_digest", ' ', 'meter_id') }})
                from {{ ref('stg_price_book__meters') }}
            ), '-') as meters_digest,
            coalesce((
                select md5({{ tallyhouse.joined_text("event_source || ' ' || system_id", ' ', 'event_source') }})
                from systems
            ), '-') as sources_digest
    {%- endset -%}
    {%- set row = tallyhouse.rows_of(sql) | first | default({}) -%}
    {%- do return(
        'version ' ~ tallyhouse.metering_version() ~ ', meters ' ~ row.meters_digest
        ~ ', sources ' ~ row.sources_digest
    ) -%}
{%- endmacro %}


{% macro unlisted_parts(part_kind) -%}
    {#- The raw files of a kind whose rows the model that calls this does not hold yet; all of them
        where it is built anew. -#}
    {%- set sql -%}
        select parts.path
        from {{ source('operations', 'raw_parts') }} as parts
        {%- if is_incremental() %}
        anti join {{ this }} as listed
            on
                parts.ingestion_batch_id = listed.ingestion_batch_id
                and parts.content_sha256 = listed.content_sha256
        {%- endif %}
        where parts.part_kind = '{{ part_kind }}' and parts.row_count > 0
        order by parts.path
    {%- endset -%}
    {%- do return(tallyhouse.rows_of(sql) | map(attribute='path') | list) -%}
{%- endmacro %}


{% macro systems_of_sources(sources) -%}
    {#- The CTEs that give each event_source of a relation its system: that of the longest prefix
        which it starts with, source_prefix. A source without one is its own system, which nothing
        maps. The last one is called systems. -#}
    prefixes as (
        select * from {{ ref('stg_reference__sources') }}
    ),

    systems as (
        select
            {{ sources }}.event_source,
            prefixes.source_prefix,
            coalesce(prefixes.system_id, {{ sources }}.event_source) as system_id,
            prefixes.system_id is not null as is_source_known
        from {{ sources }}
        left join prefixes
            on starts_with({{ sources }}.event_source, prefixes.source_prefix)
        qualify
            row_number() over (
                partition by {{ sources }}.event_source
                order by length(prefixes.source_prefix) desc
            ) = 1
    )
{%- endmacro %}
