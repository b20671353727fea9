with zone_days as (
    select * from {{ ref('int_time_zone_days__listed') }}
),

event_dates as (
    select distinct event_date
    from {{ ref('int_time_zone_days__listed') }}
),

-- Wherever a local month starts in a zone of any contract.
zone_months as (
    select
        time_zone,
        date_trunc('month', local_date) as month_date,
        min(part_start_at) as month_start_at
    from zone_days
    group by
        time_zone,
        date_trunc('month', local_date)
),

month_starts as (
    select distinct month_start_at
    from zone_months
),

split_dates as (
    select distinct event_dates.event_date
    from event_dates
    inner join month_starts
        on
            cast(event_dates.event_date as timestamp) < month_starts.month_start_at
            and cast(event_dates.event_date + 1 as timestamp)
            > month_starts.month_start_at
),

whole_dates as (
    select
        event_dates.event_date,
        max(month_starts.month_start_at) as span_start_at
    from event_dates
    inner join month_starts
        on cast(event_dates.event_date as timestamp) >= month_starts.month_start_at
    group by event_dates.event_date
),

final as (
    select
        event_dates.event_date,
        case
            when split_dates.event_date is null then whole_dates.span_start_at
        end as span_start_at
    from event_dates
    left join whole_dates on event_dates.event_date = whole_dates.event_date
    left join split_dates on event_dates.event_date = split_dates.event_date
)

select * from final
