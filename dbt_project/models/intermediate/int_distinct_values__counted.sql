{{ config(
    materialized='incremental',
    incremental_strategy='replace_counted',
    on_schema_change='append_new_columns',
    post_hook=[
        "{{ keep_counted_segments() }}",
        "{{ close_range('int_distinct_values__counted', 'stg_usage__events') }}",
    ],
) }}

-- depends_on: {{ ref('stg_price_book__meters') }}
-- depends_on: {{ ref('int_partitions__affected') }}
-- depends_on: {{ ref('int_subjects__segmented') }}
-- depends_on: {{ ref('int_usage__series') }}
-- depends_on: {{ ref('int_events__kept') }}
{%- do refuse_partial_rebuild('stg_usage__events', progress_of('stg_usage__events')) %}
{%- set meters = price_book_meters()
    | selectattr('aggregation', 'in', ['unique_count', 'percentile']) | list %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}
{%- set dimension_values = dimension_value_names(plan) %}
{%- set quarters = meter_quarters(plan, ['unique_count', 'percentile']) %}
{%- set numbers = meter_quantities(plan, ['percentile']) %}
{%- set operations = meter_operations(plan) %}
{%- set event_types = meters
    | map(attribute='event_types') | sum(start=[]) | unique | list %}

with {{ placed_events(
    columns, shown_property_columns(), recounted_event_parts() if meters else [], event_types
) }},

{{ measured_events(plan, ['unique_count', 'percentile']) }},

{{ listed_meters(plan) }},

valued as (
    select
        measured.ingestion_batch_id,
        measured.slice_id,
        meters.meter_number,
        meters.meter_id,
        {%- for name in dimension_values %}
        {{ by_meter(meter_dimensions(plan, loop.index0), 'cast(null as varchar)')
            | indent(8) }} as {{ name }},
        {%- endfor %}
        {{ by_meter(meter_quantities(plan, ['unique_count']), 'cast(null as varchar)')
            | indent(8) }} as text_value,
        {%- if quarters %}
        {{ by_meter(quarters, no_instant()) | indent(8) }} as quarter_hour_at,
        {%- endif %}
        {%- if numbers %}
        {{ by_meter(numbers, no_quantity()) | indent(8) }} as number_value,
        {%- endif %}
        {%- if operations %}
        {{ by_meter(operations, 'cast(null as boolean)') | indent(8) }} as is_add,
        {%- endif %}
        measured.event_at,
        measured.event_at_nanos,
        measured.event_source,
        measured.event_id
    from measured
    inner join meters on measured.event_type = meters.event_type
    where {{ by_meter(meter_conditions(plan), 'true') | indent(4) }}
),

-- What no meter asks for is not computed: mostly, this is a distinct.
metered as (
    select
        ingestion_batch_id,
        slice_id,
        meter_number,
        meter_id,
        {%- for name in dimension_values %}
        {{ name }},
        {%- endfor %}
        text_value,
        {{ 'quarter_hour_at' if quarters else no_instant() ~ ' as quarter_hour_at' }},
        {{ 'number_value' if numbers else no_quantity() ~ ' as number_value' }},
        {{ 'count(*)' if numbers else 'cast(null as bigint)' }} as event_count,
        {{ 'bool_or(is_add)' if operations else 'cast(null as boolean)' }} as has_add,
        {% if operations -%}
        min(case when is_add is not null then {{ struct_of({
            'first_operation_at': 'event_at',
            'first_operation_nanos': 'event_at_nanos',
        }) }} end) as first_operation,
        max(case when is_add is not null then {{ struct_of({
            'last_operation_at': 'event_at',
            'last_operation_nanos': 'event_at_nanos',
            'last_operation_source': 'event_source',
            'last_operation_id': 'event_id',
            'is_last_add': 'is_add',
        }) }} end) as last_operation
        {%- else -%}
        {{ null_struct(first_operation_fields()) }} as first_operation,
        {{ null_struct(last_operation_fields()) }} as last_operation
        {%- endif %}
    from valued
    group by {{ (
        ['ingestion_batch_id', 'slice_id', 'meter_number', 'meter_id'] + dimension_values
        + ['text_value'] + (['quarter_hour_at'] if quarters else [])
        + (['number_value'] if numbers else [])
    ) | join(', ') }}
),

slice_places as (
    select distinct
        slice_id,
        event_date,
        system_id,
        subject,
        slice_start_at,
        slice_end_at
    from slices
),

final as (
    select
        metered.ingestion_batch_id,
        slice_places.event_date,
        slice_places.system_id,
        slice_places.subject,
        slice_places.slice_start_at,
        slice_places.slice_end_at,
        metered.meter_id,
        {{ dimension_key(plan) | indent(8) }} as dimension_key,
        coalesce(metered.text_value, {{ decimal_text('metered.number_value') }})
            as distinct_value,
        metered.quarter_hour_at,
        cast(metered.event_count as bigint) as event_count,
        {%- for name in first_operation_fields() %}
        {{ field_of('metered.first_operation', name) }},
        {%- endfor %}
        {%- for name in last_operation_fields() %}
        {{ field_of('metered.last_operation', name) }},
        {%- endfor %}
        metered.has_add
    from metered
    left join slice_places on metered.slice_id = slice_places.slice_id
    where metered.text_value is not null or metered.number_value is not null
)

select * from final
