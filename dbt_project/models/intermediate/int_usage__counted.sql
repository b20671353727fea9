{{ config(
    materialized='incremental',
    incremental_strategy='replace_counted',
    on_schema_change='append_new_columns',
) }}

-- depends_on: {{ ref('stg_price_book__meters') }}
-- depends_on: {{ ref('int_partitions__affected') }}
{%- do refuse_partial_rebuild('stg_usage__events', progress_of('stg_usage__events')) %}
{%- set meters = price_book_meters() %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}
{%- set dimension_values = dimension_value_names(plan) %}
{%- set quarters = meter_quarters(plan, counted_aggregations()) %}

with {{ placed_events(columns, shown_property_columns(), recounted_event_parts()) }},

{{ measured_events(plan, counted_aggregations()) }},

{{ grouped_events(plan) }},

{{ listed_meters(plan) }},

metered as (
    select
        grouped.ingestion_batch_id,
        grouped.slice_id,
        meters.meter_number,
        meters.meter_id,
        {%- for name in dimension_values %}
        {{ by_meter(meter_dimensions(plan, loop.index0), 'cast(null as varchar)')
            | indent(8) }} as {{ name }},
        {%- endfor %}
        {{ by_meter(quarters, no_instant()) | indent(8) }} as quarter_hour_at,
        sum(grouped.event_count) as event_count,
        sum(grouped.event_count) as metered_event_count,
        sum(
            grouped.event_count
            - {{ by_meter(
                meter_figures(plan, 'count', valued_aggregations()),
                'grouped.event_count'
            ) | indent(12) }}
        ) as unvalued_event_count,
        sum(
            {{ by_meter(negative_figures(plan), '0') | indent(12) }}
        ) as negative_event_count,
        sum(
            {{ by_meter(meter_figures(plan, 'sum', ['sum', 'avg']), no_quantity())
                | indent(12) }}
        ) as quantity_sum,
        max(
            {{ by_meter(meter_figures(plan, 'max', ['max']), no_quantity())
                | indent(12) }}
        ) as quantity_max,
        min(
            {{ by_meter(meter_figures(plan, 'min', ['min']), no_quantity())
                | indent(12) }}
        ) as quantity_min,
        max(
            {{ by_meter(
                meter_figures(plan, 'latest', ['latest', 'weighted_sum']), no_latest()
            )
                | indent(12) }}
        ) as latest,
        min(grouped.first_event_at) as first_event_at,
        max(grouped.last_event_at) as last_event_at,
        sum(grouped.digest_sum_1) as digest_sum_1,
        sum(grouped.digest_sum_2) as digest_sum_2
    from grouped
    inner join meters on grouped.event_type = meters.event_type
    where {{ by_meter(meter_conditions(plan), 'true') | indent(4) }}
    group by {{ (
        ['grouped.ingestion_batch_id', 'grouped.slice_id', 'meters.meter_number']
        + ['meters.meter_id'] + dimension_values + (['quarter_hour_at'] if quarters else [])
    ) | join(', ') }}
),

-- Every event once, metered or not: what conservation is checked against.
all_events as (
    select
        ingestion_batch_id,
        slice_id,
        event_type,
        sum(event_count) as event_count,
        sum(
            case
                when
                    {{ any_meter_counts(plan) | indent(20) }}
                    then event_count
                else 0
            end
        ) as metered_event_count,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        sum(digest_sum_1) as digest_sum_1,
        sum(digest_sum_2) as digest_sum_2
    from grouped
    group by
        ingestion_batch_id,
        slice_id,
        event_type
),

counted as (
    select
        ingestion_batch_id,
        slice_id,
        'meter' as counted_kind,
        meter_id as counted_id,
        {{ dimension_key(plan) | indent(8) }} as dimension_key,
        quarter_hour_at,
        event_count,
        metered_event_count,
        unvalued_event_count,
        negative_event_count,
        quantity_sum,
        quantity_max,
        quantity_min,
        latest,
        first_event_at,
        last_event_at,
        digest_sum_1,
        digest_sum_2
    from metered
    union all
    select
        ingestion_batch_id,
        slice_id,
        'event_type' as counted_kind,
        event_type as counted_id,
        {{ no_dimension_values() }} as dimension_key,
        {{ no_instant() }} as quarter_hour_at,
        event_count,
        metered_event_count,
        0 as unvalued_event_count,
        0 as negative_event_count,
        {{ no_quantity() }} as quantity_sum,
        {{ no_quantity() }} as quantity_max,
        {{ no_quantity() }} as quantity_min,
        {{ no_latest() }} as latest,
        first_event_at,
        last_event_at,
        digest_sum_1,
        digest_sum_2
    from all_events
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
        counted.ingestion_batch_id,
        slice_places.event_date,
        slice_places.system_id,
        slice_places.subject,
        slice_places.slice_start_at,
        slice_places.slice_end_at,
        counted.counted_kind,
        counted.counted_id,
        counted.dimension_key,
        cast(counted.event_count as bigint) as event_count,
        cast(counted.metered_event_count as bigint) as metered_event_count,
        cast(counted.unvalued_event_count as bigint) as unvalued_event_count,
        cast(counted.negative_event_count as bigint) as negative_event_count,
        cast(counted.quantity_sum as decimal(38, 9)) as quantity_sum,
        cast(counted.quantity_max as decimal(38, 9)) as quantity_max,
        {%- for name in latest_fields() %}
        {{ field_of('counted.latest', name) }},
        {%- endfor %}
        counted.first_event_at,
        counted.last_event_at,
        cast(counted.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(counted.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        counted.quarter_hour_at,
        cast(counted.quantity_min as decimal(38, 9)) as quantity_min,
        {{ content_number([
            'slice_places.system_id',
            'slice_places.subject',
            'counted.counted_kind',
            'counted.counted_id',
            'counted.dimension_key',
        ]) }} as series_key
    from counted
    left join slice_places on counted.slice_id = slice_places.slice_id
)

select * from final
