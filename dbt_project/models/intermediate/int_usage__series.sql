{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
) }}

-- depends_on: {{ ref('int_partitions__affected') }}
{%- set range = progress_of('stg_usage__events') %}

with counted as (
    select * from {{ ref('int_usage__counted') }}
    where counted_kind = 'meter'
),

{% if is_incremental() -%}
recounted_days as (
    {{ recounted_days() | indent(4) }}
),

-- Only what this run counted can be a series that is not known yet.
written as (
    select * from counted
    where ingestion_batch_id > {{ range.after_batch_id }}
    union all
    select counted.*
    from counted
    semi join recounted_days
        on
            counted.ingestion_batch_id = recounted_days.ingestion_batch_id
            and counted.event_date = recounted_days.event_date
            and counted.system_id = recounted_days.system_id
            and counted.subject = recounted_days.subject
),
{%- else -%}
written as (
    select * from counted
),
{%- endif %}

series as (
    select distinct
        series_key,
        system_id,
        subject,
        counted_id as meter_id,
        dimension_key
    from written
),

final as (
    select series.*
    from series
    {%- if is_incremental() %}
    anti join {{ this }} as known on series.series_key = known.series_key
    {%- endif %}
)

select * from final
