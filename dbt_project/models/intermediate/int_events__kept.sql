{{ config(
    materialized='incremental',
    incremental_strategy='replace_counted',
    on_schema_change='fail',
) }}

-- depends_on: {{ ref('stg_price_book__meters') }}
-- depends_on: {{ ref('int_partitions__affected') }}
{%- set meters = event_keeping_meters(price_book_meters()) %}
{%- if meters %}
{%- do refuse_partial_rebuild('stg_usage__events', progress_of('stg_usage__events')) %}
{%- endif %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}
{%- set dimension_values = dimension_value_names(plan) %}
{%- set event_types = meters
    | map(attribute='event_types') | sum(start=[]) | unique | list %}

with {{ placed_events(
    columns, shown_property_columns(), recounted_event_parts() if meters else [], event_types
) }},

{{ measured_events(plan) }},

{{ listed_meters(plan) }},

metered as (
    select
        measured.ingestion_batch_id,
        measured.slice_id,
        meters.meter_number,
        meters.meter_id,
        {%- for name in dimension_values %}
        {{ by_meter(meter_dimensions(plan, loop.index0), 'cast(null as varchar)')
            | indent(8) }} as {{ name }},
        {%- endfor %}
        measured.event_at,
        measured.event_at_nanos,
        measured.event_source,
        measured.event_id,
        {{ by_meter(meter_quantities(plan, ['sum', 'weighted_sum']), no_quantity())
            | indent(8) }} as quantity
    from measured
    inner join meters on measured.event_type = meters.event_type
    where {{ by_meter(meter_conditions(plan), 'true') | indent(4) }}
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
        metered.event_at,
        cast(metered.event_at_nanos as smallint) as event_at_nanos,
        metered.event_source,
        metered.event_id,
        cast(metered.quantity as decimal(38, 9)) as quantity
    from metered
    left join slice_places on metered.slice_id = slice_places.slice_id
    where metered.quantity is not null
)

select * from final
