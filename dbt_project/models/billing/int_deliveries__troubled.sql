with files as (
    select * from {{ ref('stg_ingestion__files') }}
),

rejects as (
    select * from {{ ref('stg_usage__rejects') }}
),

source_days as (
    select * from {{ ref('fct_source_days') }}
    where arrival = 'missing'
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

accepted_contents as (
    select
        'changed_file' as exception_code,
        path as object_id,
        cast(first_seen_at as date) as first_seen_date,
        lines_accepted as event_count,
        count(*) over (partition by path) as content_count
    from files
    where status = 'accepted'
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

final as (
    select * from troubled_files
    union all
    select * from missing_days
)

select * from final
