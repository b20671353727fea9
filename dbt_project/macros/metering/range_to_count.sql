{% macro range_to_count() -%}
    {#- The batches that metering has to take in: those after the last ones counted, or all of them
        where a meter, or the system of a source that was counted before, is another one today. -#}
    {%- set counted = tallyhouse.progress_of('int_distinct_values__counted') -%}
    {%- do return(tallyhouse.range_to_open(
        ['int_usage__counted', 'int_distinct_values__counted'],
        tallyhouse.counting_definitions(counted.last_batch_id) if counted.last_batch_id | int > 0 else '',
        tallyhouse.counting_definitions(tallyhouse.last_committed_batch()),
    )) -%}
{%- endmacro %}


{% macro counting_definitions(last_batch_id) -%}
    {#- What decides how the events up to a batch are counted, as text: the meters' digests, and the
        system of every source that occurs in them. -#}
    {%- set paths = tallyhouse.raw_part_paths('affected', 0, last_batch_id) -%}
    {%- set sql -%}
        select
            coalesce((
                select md5({{ tallyhouse.joined_text("meter_id || ' ' || definition_digest", ' ', 'meter_id') }})
                from {{ ref('stg_price_book__meters') }}
            ), '-') as meters_digest,
            {%- if paths %}
            (
                with sources as (
                    select distinct event_source
                    from {{ tallyhouse.read_parts(paths) }}
                ),

                {{ tallyhouse.systems_of_sources('sources') }}

                select md5({{ tallyhouse.joined_text("event_source || ' ' || system_id", ' ', 'event_source') }})
                from systems
            )
            {%- else %}
            '-'
            {%- endif %} as sources_digest
    {%- endset -%}
    {%- set row = tallyhouse.rows_of(sql) | first | default({}) -%}
    {%- do return(
        'version ' ~ tallyhouse.metering_version() ~ ', meters ' ~ row.meters_digest
        ~ ', sources ' ~ row.sources_digest
    ) -%}
{%- endmacro %}


{% macro systems_of_sources(sources) -%}
    {#- The CTEs that give each event_source of a relation its system: that of the longest prefix
        which it starts with. A source without one is its own system, which nothing maps. The last
        one is called systems. -#}
    prefixes as (
        select * from {{ ref('stg_reference__sources') }}
    ),

    systems as (
        select
            {{ sources }}.event_source,
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
