{{ config(
    materialized='view',
    contract={'enforced': false},
    post_hook="{{ open_range('stg_usage__events', range_to_count()) }}",
) }}

-- depends_on: {{ ref('stg_reference__sources') }}
-- depends_on: {{ ref('stg_usage__source_days') }}
-- depends_on: {{ ref('stg_price_book__meters') }}
{%- set range = range_to_count() %}

with events as (
    {{ events_of_parts(
        raw_part_paths('events', range.after_batch_id, range.last_batch_id)
    ) | indent(4) }}
)

select * from events
