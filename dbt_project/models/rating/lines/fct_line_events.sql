{{ config(
    materialized='view',
    pre_hook="{{ return_raw_event_paths([]) }}",
    post_hook="{{ return_raw_event_paths(raw_part_paths('events')) }}",
) }}

-- depends_on: {{ ref('stg_price_book__meters') }}
-- depends_on: {{ source('operations', 'raw_parts') }}
{%- set meters = price_book_meters() %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}
{%- set dimension_values = dimension_value_names(plan) %}

with events as (
    {{ events_read_when_queried(columns) | indent(4) }}
),

event_sources as (
    select distinct event_source
    from events
),

{{ systems_of_sources('event_sources') }},

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
),

subjects as (
    select * from {{ ref('int_subjects__segmented') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
    where meter_id is not null
),

placed as (
    select
        events.*,
        systems.system_id
    from events
    inner join systems on events.event_source = systems.event_source
    anti join set_aside
        on
            events.ingestion_batch_id = set_aside.ingestion_batch_id
            and events.file_id = set_aside.file_id
            and events.line_number = set_aside.line_number
),

{{ measured_events(plan) }},

{{ listed_meters(plan) }},

metered as (
    select
        measured.*,
        meters.meter_number,
        meters.meter_id
    {%- for name in dimension_values %},
        {{ by_meter(meter_dimensions(plan, loop.index0), 'cast(null as varchar)')
            | indent(8) }} as {{ name }}
        {%- endfor %}
    from measured
    inner join meters on measured.event_type = meters.event_type
    where
        {{ by_meter(meter_conditions(plan), 'true') | indent(8) }}
),

keyed as (
    select
        *,
        {{ dimension_key(plan) | indent(8) }} as dimension_key
    from metered
),

-- A meter's own row of a subject wins over the row of every meter, as in metering.
resolved as (
    select
        keyed.*,
        usual_subjects.customer_id,
        case
            when own_subjects.meter_id is null then usual_subjects.contract_id
            else own_subjects.contract_id
        end as contract_id,
        cast(
            {{ local_timestamp(
                'keyed.event_at', 'coalesce(own_subjects.time_zone, usual_subjects.time_zone)'
            ) }} as date
        ) as local_date
    from keyed
    inner join subjects as usual_subjects
        on
            keyed.system_id = usual_subjects.system_id
            and keyed.subject = usual_subjects.subject
            and keyed.event_at >= usual_subjects.segment_start_at
            and keyed.event_at < usual_subjects.segment_end_at
            and usual_subjects.meter_id = {{ every_meter() }}
    left join subjects as own_subjects
        on
            keyed.system_id = own_subjects.system_id
            and keyed.subject = own_subjects.subject
            and keyed.meter_id = own_subjects.meter_id
            and keyed.event_at >= own_subjects.segment_start_at
            and keyed.event_at < own_subjects.segment_end_at
),

final as (
    select
        rated_lines.rated_line_id,
        rated_lines.settlement_key,
        resolved.meter_id,
        resolved.dimension_key,
        resolved.local_date,
        resolved.event_source,
        resolved.event_id,
        resolved.event_type,
        resolved.subject,
        resolved.event_at,
        resolved.event_at_nanos,
        resolved.ingestion_batch_id,
        resolved.file_id,
        resolved.line_number,
        resolved.digest_1,
        resolved.digest_2
    from resolved
    inner join rated_lines
        on
            resolved.contract_id = rated_lines.contract_id
            and resolved.customer_id = rated_lines.customer_id
            and resolved.meter_id = rated_lines.meter_id
            and resolved.dimension_key = rated_lines.dimension_key
            and resolved.event_at >= rated_lines.service_start_at
            and resolved.event_at < rated_lines.service_end_at
)

select * from final
