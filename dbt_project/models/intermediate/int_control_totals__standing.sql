with control_totals as (
    select * from {{ ref('stg_usage__control_totals') }}
),

total_parts as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
    where part_kind = 'control_totals'
),

committed as (
    select
        control_totals.*,
        count(*) over (
            partition by
                control_totals.source_prefix,
                control_totals.usage_date,
                control_totals.measure
        ) as stated_count,
        row_number() over (
            partition by
                control_totals.source_prefix,
                control_totals.usage_date,
                control_totals.measure
            order by
                control_totals.ingestion_batch_id desc,
                control_totals.file_id desc,
                control_totals.line_number desc
        ) as age_number
    from control_totals
    inner join total_parts
        on
            control_totals.ingestion_batch_id = total_parts.ingestion_batch_id
            and control_totals.content_sha256 = total_parts.content_sha256
),

final as (
    select
        source_prefix,
        usage_date,
        measure,
        quantity,
        ingestion_batch_id,
        file_id,
        line_number,
        cast(stated_count - 1 as bigint) as replaced_count
    from committed
    where age_number = 1
)

select * from final
