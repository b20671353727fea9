{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
) }}

{%- set columns = {
    'ingestion_batch_id': 'integer',
    'file_id': 'integer',
    'line_number': 'bigint',
    'source_prefix': 'varchar',
    'usage_date': 'date',
    'measure': 'varchar',
    'quantity': 'decimal(38, 9)',
} %}

with control_totals as (
    {{ rows_of_parts(unlisted_parts('control_totals'), columns) | indent(4) }}
),

total_parts as (
    select
        ingestion_batch_id,
        content_sha256
    from {{ source('operations', 'raw_parts') }}
    where part_kind = 'control_totals'
),

final as (
    select
        cast(control_totals.ingestion_batch_id as integer) as ingestion_batch_id,
        cast(total_parts.content_sha256 as varchar) as content_sha256,
        cast(control_totals.file_id as integer) as file_id,
        cast(control_totals.line_number as bigint) as line_number,
        cast(control_totals.source_prefix as varchar) as source_prefix,
        cast(control_totals.usage_date as date) as usage_date,
        cast(control_totals.measure as varchar) as measure,
        cast(control_totals.quantity as decimal(38, 9)) as quantity
    from control_totals
    inner join total_parts
        on control_totals.ingestion_batch_id = total_parts.ingestion_batch_id
)

select * from final
