-- depends_on: {{ ref('stg_price_book__meters') }}
{%- set meters = price_book_meters()
    | selectattr('aggregation', 'in', ['count', 'sum']) | list %}
{%- set columns = properties_of_meters(meters) %}
{%- set plan = counting_plan(meters, columns) %}

with placed as (
    {{ kept_contents('retracted', columns) | indent(4) }}
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
