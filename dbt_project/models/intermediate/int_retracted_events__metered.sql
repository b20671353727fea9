-- depends_on: {{ ref('stg_price_book__meters') }}
{%- set meters = price_book_meters() | selectattr('aggregation', 'in', ['count', 'sum']) | list %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}

with placed as (
    select
        contents.*
        {%- for column in columns %},
        cast(
            {{ json_field_text('contents.content_text', text_literal(column)) }}
            as {{ property_type(column) }}
        ) as {{ column }}
        {%- endfor %}
    from {{ ref('int_event_contents__kept') }} as contents
    where contents.content_standing = 'retracted'
),

{{ measured_events(plan) }},

{{ listed_meters(plan) }},

final as (
    select
        meters.meter_id,
        measured.event_source,
        measured.event_id,
        measured.ingestion_batch_id,
        measured.file_id,
        measured.line_number,
        measured.subject,
        measured.event_at,
        cast({{ by_meter(meter_quantities(plan, ['sum']), '1') }} as decimal(38, 9))
            as quantity
    from measured
    inner join meters on measured.event_type = meters.event_type
    where {{ by_meter(meter_conditions(plan), 'true') | indent(4) }}
)

select * from final
