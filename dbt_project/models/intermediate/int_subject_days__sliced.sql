with affected as (
    select * from {{ ref('int_partitions__affected') }}
),

segments as (
    select * from {{ ref('int_subjects__segmented') }}
),

zone_days as (
    select * from {{ ref('int_time_zone_days__listed') }}
),

source_days as (
    select distinct
        event_source,
        subject,
        event_date,
        system_id
    from affected
),

days as (
    select distinct
        system_id,
        subject,
        event_date
    from source_days
),

{{ slice_subject_days('days', 'segments', 'zone_days') }},

numbered as (
    select
        *,
        row_number() over (order by system_id, subject, slice_start_at) as slice_id
    from slices
),

final as (
    select
        numbered.slice_id,
        source_days.event_source,
        source_days.subject,
        source_days.event_date,
        source_days.system_id,
        numbered.slice_start_at,
        numbered.slice_end_at
    from source_days
    inner join numbered
        on
            source_days.system_id = numbered.system_id
            and source_days.subject = numbered.subject
            and source_days.event_date = numbered.event_date
)

select * from final
