{#-
    One scan of the events that counts every meter. Belongs here: which rows are counted, in which
    slice, and the grouping. Does not belong here: what a meter is (counting_plan.sql), which rows
    of the result are replaced (incremental_strategies.sql).
-#}

{% macro shown_property_columns() -%}
    {#- The property columns that stg_usage__events has. -#}
    {%- if not tallyhouse.has_data() -%}
        {%- do return([]) -%}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(ref('stg_usage__events')) -%}
    {%- do return(tallyhouse.property_columns(columns | map(attribute='name') | list)) -%}
{%- endmacro %}


{% macro properties_of_meters(meters) -%}
    {#- The raw columns that meters may read, sorted. -#}
    {%- set properties = [] -%}
    {%- for meter in meters -%}
        {%- do properties.extend(meter.dimensions) -%}
        {%- do properties.extend(meter.filters | map(attribute='property')) -%}
        {%- do properties.extend(meter.value_factors | map(attribute='property')) -%}
        {%- if meter.distinct_property -%}
            {%- do properties.append(meter.distinct_property) -%}
        {%- endif -%}
        {%- if meter.operation_property -%}
            {%- do properties.append(meter.operation_property) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- for property in properties | unique | sort -%}
        {%- do columns.append(tallyhouse.property_column('d', property)) -%}
        {%- do columns.append(tallyhouse.property_column('q', property)) -%}
    {%- endfor -%}
    {%- do return(columns | sort) -%}
{%- endmacro %}


{% macro placed_events(columns, shown_columns, old_parts, event_types=none) -%}
    {#- The CTEs that give every event to be counted its slice: those that stg_usage__events shows,
        and those of older files whose subject-days are to be counted again, without the rows that
        are set aside. The last one is called placed. An event without a slice keeps a null, which
        no table accepts: better no count than a wrong one. -#}
    {%- set kept = [
        'ingestion_batch_id', 'file_id', 'line_number', 'event_source', 'event_id', 'event_type',
        'subject', 'event_at', 'event_at_nanos', 'event_date', 'digest_1', 'digest_2'
    ] -%}
    shown_events as (
        select
            {{ kept | join(',\n            ') }}
            {%- for column in columns %},
            {{ column if column in shown_columns
                else 'cast(null as ' ~ tallyhouse.property_type(column) ~ ') as ' ~ column }}
            {%- endfor %}
        from {{ ref('stg_usage__events') }}
    ),

    {%- if old_parts %}

    affected as (
        select * from {{ ref('int_partitions__affected') }}
        where cause <> 'new_events'
    ),

    old_events as (
        {{ tallyhouse.events_of_parts(old_parts, columns) | indent(8) }}
    ),

    {%- endif %}

    events as (
        select * from shown_events
        {%- if old_parts %}
        union all
        select
            {{ (kept + columns) | join(',\n            ') }}
        from old_events
        semi join affected
            on
                old_events.ingestion_batch_id = affected.ingestion_batch_id
                and old_events.event_date = affected.event_date
                and old_events.event_source = affected.event_source
                and old_events.subject = affected.subject
        {%- endif %}
    ),

    set_aside as (
        select * from {{ ref('int_events__set_aside') }}
    ),

    slices as (
        select * from {{ ref('int_subject_days__sliced') }}
    ),

    placed as (
        select
            events.*,
            slices.slice_id
        from events
        anti join set_aside
            on
                events.ingestion_batch_id = set_aside.ingestion_batch_id
                and events.file_id = set_aside.file_id
                and events.line_number = set_aside.line_number
        left join slices
            on
                events.event_source = slices.event_source
                and events.subject = slices.subject
                and events.event_date = slices.event_date
                and events.event_at >= slices.slice_start_at
                and events.event_at < slices.slice_end_at
        {%- if event_types %}
        where events.event_type in ({{ tallyhouse.text_literals(event_types) }})
        {%- elif event_types is not none %}
        where false
        {%- endif %}
    )
{%- endmacro %}


{% macro measured_events(plan, aggregations=[]) -%}
    {#- The CTE that adds the plan's dimensions, conditions, operations and quantities to placed
        events; and, where a meter of the aggregations has windows of an hour, the quarter hour of
        events of its types, event_quarter_at. -#}
    measured as (
        select
            *
            {%- for entry in plan.dimensions + plan.conditions + plan.operations %},
            case
                when event_type in ({{ tallyhouse.text_literals(entry.event_types) }})
                    then {{ entry.expression }}
            end as {{ entry.name }}
            {%- endfor %}
            {%- for quantity in plan.quantities %}
            {%- for part in quantity.parts %},
            {{ part.expression }} as {{ part.name }}
            {%- endfor %}
            {%- endfor %}
            {%- if tallyhouse.hourly_meters(plan, aggregations) %},
            case
                when event_type in ({{ tallyhouse.text_literals(
                    tallyhouse.hourly_meters(plan, aggregations)
                    | map(attribute='event_types') | sum(start=[]) | unique | list
                ) }})
                    then {{ tallyhouse.quarter_hour_of('event_at') }}
            end as event_quarter_at
            {%- endif %}
        from placed
    )
{%- endmacro %}


{% macro grouped_events(plan) -%}
    {#- The CTE that reads every measured event once: groups by all that any meter splits or filters
        by, from which each meter's figures add up. -#}
    {%- set keys = ['ingestion_batch_id', 'slice_id', 'event_type']
        + plan.dimensions | map(attribute='name') | list
        + plan.conditions | map(attribute='name') | list
        + (['event_quarter_at']
            if tallyhouse.hourly_meters(plan, tallyhouse.counted_aggregations()) else []) -%}
    grouped as (
        select
            {{ keys | join(',\n            ') }},
            count(*) as event_count,
            min(event_at) as first_event_at,
            max(event_at) as last_event_at,
            {{ tallyhouse.digest_sum('digest_1') }} as digest_sum_1,
            {{ tallyhouse.digest_sum('digest_2') }} as digest_sum_2
            {%- for quantity in plan.quantities %},
            count({{ quantity.name }}) as {{ quantity.name }}_count
            {%- if 'sum' in quantity.aggregates or 'avg' in quantity.aggregates %},
            sum({{ quantity.name }}) as {{ quantity.name }}_sum
            {%- endif %}
            {%- if 'max' in quantity.aggregates %},
            max({{ quantity.name }}) as {{ quantity.name }}_max
            {%- endif %}
            {%- if 'min' in quantity.aggregates %},
            min({{ quantity.name }}) as {{ quantity.name }}_min
            {%- endif %}
            {%- if 'latest' in quantity.aggregates or 'weighted_sum' in quantity.aggregates %},
            max(
                case
                    when {{ quantity.name }} is not null
                        then {{ tallyhouse.struct_of({
                            'latest_event_at': 'event_at',
                            'latest_event_nanos': 'event_at_nanos',
                            'latest_event_source': 'event_source',
                            'latest_event_id': 'event_id',
                            'latest_quantity': quantity.name,
                        }) }}
                end
            ) as {{ quantity.name }}_latest
            {%- endif %}
            {%- if 'negative' in quantity.aggregates %},
            count(case when {{ quantity.name }} < 0 then 1 end) as {{ quantity.name }}_negative
            {%- endif %}
            {%- endfor %}
        from measured
        group by
            {{ keys | join(',\n            ') }}
    )
{%- endmacro %}


{% macro listed_meters(plan) -%}
    {#- The CTE that pairs every meter with its event types. -#}
    meters as (
        {%- for meter in plan.meters %}
        {%- set outer_last = loop.last %}
        {%- for event_type in meter.event_types %}
        select
            {{ meter.number }} as meter_number,
            {{ tallyhouse.text_literal(meter.meter_id) }} as meter_id,
            {{ tallyhouse.text_literal(event_type) }} as event_type
        {{ 'union all' if not (outer_last and loop.last) }}
        {%- endfor %}
        {%- else %}
        select
            cast(null as integer) as meter_number,
            cast(null as varchar) as meter_id,
            cast(null as varchar) as event_type
        where false
        {%- endfor %}
    )
{%- endmacro %}


{% macro by_meter(expressions, otherwise) -%}
    {#- A case over the meter's number: the expression that the mapping has for it. -#}
    {%- if expressions -%}
    case meters.meter_number
        {%- for number, expression in expressions.items() %}
        when {{ number }} then {{ expression }}
        {%- endfor %}
        else {{ otherwise }}
    end
    {%- else -%}
    {{ otherwise }}
    {%- endif -%}
{%- endmacro %}


{% macro meter_conditions(plan) -%}
    {#- Per meter number, the conditions that an event must meet; none for meters without filters. -#}
    {%- set conditions = {} -%}
    {%- for meter in plan.meters if meter.conditions -%}
        {%- do conditions.update({meter.number: meter.conditions | join(' and ')}) -%}
    {%- endfor -%}
    {%- do return(conditions) -%}
{%- endmacro %}


{% macro meter_dimensions(plan, position) -%}
    {#- Per meter number, the name of the dimension at a position, from 0. -#}
    {%- set names = {} -%}
    {%- for meter in plan.meters if meter.dimensions | length > position -%}
        {%- do names.update({meter.number: meter.dimensions[position].name}) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}


{% macro dimension_value_names(plan) -%}
    {#- Column names for as many dimension values as a meter has at most. -#}
    {%- set counts = [0] -%}
    {%- for meter in plan.meters -%}
        {%- do counts.append(meter.dimensions | length) -%}
    {%- endfor -%}
    {%- set names = [] -%}
    {%- for number in range(1, (counts | max) + 1) -%}
        {%- do names.append('dimension_value_' ~ number) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}


{% macro meter_quantities(plan, aggregations) -%}
    {#- Per meter number, the name of its quantity, for meters of some aggregations. -#}
    {%- set names = {} -%}
    {%- for meter in plan.meters if meter.quantity and meter.aggregation in aggregations -%}
        {%- do names.update({meter.number: meter.quantity}) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}


{% macro meter_operations(plan) -%}
    {#- Per meter number, the name of the column that says whether an event adds its value. -#}
    {%- set names = {} -%}
    {%- for meter in plan.meters if meter.operation -%}
        {%- do names.update({meter.number: meter.operation}) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}


{% macro valued_aggregations() -%}
    {#- Aggregations that read a value of each event. -#}
    {%- do return([
        'sum', 'max', 'min', 'avg', 'latest', 'unique_count', 'weighted_sum', 'percentile'
    ]) -%}
{%- endmacro %}


{% macro counted_aggregations() -%}
    {#- Aggregations whose state of a window is one row of int_usage__counted. -#}
    {%- do return(['count', 'sum', 'max', 'min', 'avg', 'latest']) -%}
{%- endmacro %}


{% macro no_instant() -%}
    cast(null as timestamp)
{%- endmacro %}


{% macro meter_figures(plan, aggregate, aggregations) -%}
    {#- Per meter number, the grouped column of an aggregate, for meters of some aggregations. -#}
    {%- set figures = {} -%}
    {%- for meter in plan.meters if meter.quantity and meter.aggregation in aggregations -%}
        {%- do figures.update({meter.number: meter.quantity ~ '_' ~ aggregate}) -%}
    {%- endfor -%}
    {%- do return(figures) -%}
{%- endmacro %}


{% macro negative_figures(plan) -%}
    {#- Per meter number, the count of negative quantities, for meters that do not allow them. -#}
    {%- set figures = {} -%}
    {%- for meter in plan.meters if not meter.may_be_negative -%}
        {%- do figures.update({meter.number: meter.quantity ~ '_negative'}) -%}
    {%- endfor -%}
    {%- do return(figures) -%}
{%- endmacro %}


{% macro no_dimension_values() -%}
    '{}'
{%- endmacro %}


{% macro no_quantity() -%}
    cast(null as decimal(38, 9))
{%- endmacro %}


{% macro latest_fields() -%}
    {#- What is kept of the latest event, in the order in which events compare. -#}
    {%- do return({
        'latest_event_at': 'timestamp',
        'latest_event_nanos': 'smallint',
        'latest_event_source': 'varchar',
        'latest_event_id': 'varchar',
        'latest_quantity': 'decimal(38, 9)',
    }) -%}
{%- endmacro %}


{% macro no_latest() -%}
    {{- tallyhouse.null_struct(tallyhouse.latest_fields()) -}}
{%- endmacro %}


{% macro dimension_key(plan) -%}
    {#- A meter's dimension values as JSON text, names in order; '{}' for a meter without. -#}
    {%- set keys = {} -%}
    {%- for meter in plan.meters if meter.dimensions -%}
        {%- set pairs = [] -%}
        {%- for dimension in meter.dimensions -%}
            {%- do pairs.append([dimension.property, 'dimension_value_' ~ loop.index]) -%}
        {%- endfor -%}
        {%- do keys.update({meter.number: tallyhouse.json_object_text(pairs)}) -%}
    {%- endfor -%}
    {%- if keys -%}
    case meter_number
        {%- for number, expression in keys.items() %}
        when {{ number }} then {{ expression }}
        {%- endfor %}
        else {{ tallyhouse.no_dimension_values() }}
    end
    {%- else -%}
    {{ tallyhouse.no_dimension_values() }}
    {%- endif -%}
{%- endmacro %}


{% macro any_meter_counts(plan) -%}
    {#- Whether at least one meter counts the events of a group. -#}
    {%- set tests = [] -%}
    {%- for meter in plan.meters -%}
        {%- do tests.append(
            '(' ~ (['event_type in (' ~ tallyhouse.text_literals(meter.event_types) ~ ')']
                + meter.conditions) | join(' and ') ~ ')'
        ) -%}
    {%- endfor -%}
    {{- tests | join('\n                or ') if tests else 'false' -}}
{%- endmacro %}
