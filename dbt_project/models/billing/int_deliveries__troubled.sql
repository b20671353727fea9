with files as (
    select * from {{ ref('stg_ingestion__files') }}
),

rejects as (
    select * from {{ ref('stg_usage__rejects') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
    where batch_kind = 'control_totals'
),

source_days as (
    select * from {{ ref('fct_source_days') }}
    where arrival = 'missing'
),

control_totals as (
    select * from {{ ref('fct_control_totals') }}
    where agreement in ('short', 'over', 'no_total')
),

named_rejects as (
    select
        'rejected_lines' as exception_code,
        files.path || ' ' || rejects.reject_code as object_id,
        cast(files.first_seen_at as date) as first_seen_date,
        1 as event_count
    from rejects
    inner join files on rejects.file_id = files.file_id
),

refused_files as (
    select
        'file_refused' as exception_code,
        path || ' ' || coalesce(code, '') as object_id,
        cast(first_seen_at as date) as first_seen_date,
        1 as event_count
    from files
    where status = 'refused'
),

-- A file of control totals that changes corrects its totals.
accepted_contents as (
    select
        'changed_file' as exception_code,
        files.path as object_id,
        cast(files.first_seen_at as date) as first_seen_date,
        files.lines_accepted as event_count,
        count(*) over (partition by files.path) as content_count
    from files
    anti join batches on files.ingestion_batch_id = batches.ingestion_batch_id
    where files.status = 'accepted'
),

file_troubles as (
    select
        exception_code,
        object_id,
        first_seen_date,
        event_count
    from named_rejects
    union all
    select
        exception_code,
        object_id,
        first_seen_date,
        event_count
    from refused_files
    union all
    select
        exception_code,
        object_id,
        first_seen_date,
        event_count
    from accepted_contents
    where content_count > 1
),

troubled_files as (
    select
        exception_code,
        'file' as object_kind,
        object_id,
        cast(null as varchar) as billing_period,
        cast(sum(event_count) as bigint) as event_count,
        min(first_seen_date) as first_seen_date
    from file_troubles
    group by exception_code, object_id
),

missing_days as (
    select
        'missing_source_day' as exception_code,
        'source_day' as object_kind,
        cast(usage_date as varchar) || ' ' || source_prefix as object_id,
        first_billing_period as billing_period,
        event_count,
        usage_date as first_seen_date
    from source_days
),

troubled_totals as (
    select
        case
            when agreement = 'no_total' then 'control_total_missing'
            else 'control_total_differs'
        end as exception_code,
        'control_total' as object_kind,
        cast(usage_date as varchar) || ' ' || source_prefix || ' ' || measure
            as object_id,
        first_billing_period as billing_period,
        case
            when measure = 'events' and announced_quantity is not null
                then cast(abs(variance_quantity) as bigint)
        end as event_count,
        usage_date as first_seen_date
    from control_totals
),

final as (
    select * from troubled_files
    union all
    select * from missing_days
    union all
    select * from troubled_totals
)

select * from final
