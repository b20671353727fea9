with contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

raw_parts as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
),

time_zones as (
    select time_zone
    from contracts
    union
    select 'UTC' as time_zone
),

utc_dates as (
    select distinct event_date
    from raw_parts
    where part_kind = 'events' and event_date is not null
),

-- No zone is more than a day away from UTC: only the local dates beside are touched.
local_dates as (
    select event_date - 1 as local_date
    from utc_dates
    union
    select event_date as local_date
    from utc_dates
    union
    select event_date + 1 as local_date
    from utc_dates
),

local_days as (
    select
        time_zones.time_zone,
        local_dates.local_date,
        {{ local_day_start_at('local_dates.local_date', 'time_zones.time_zone')
            | indent(8) }} as day_start_at,
        {{ local_day_start_at('(local_dates.local_date + 1)', 'time_zones.time_zone')
            | indent(8) }} as day_end_at
    from time_zones
    cross join local_dates
),

final as (
    select
        local_days.time_zone,
        utc_dates.event_date,
        local_days.local_date,
        greatest(
            local_days.day_start_at, cast(utc_dates.event_date as timestamp)
        ) as part_start_at,
        least(
            local_days.day_end_at, cast(utc_dates.event_date + 1 as timestamp)
        ) as part_end_at
    from utc_dates
    inner join local_days
        on
            utc_dates.event_date - 1 <= local_days.local_date
            and utc_dates.event_date + 1 >= local_days.local_date
            and cast(utc_dates.event_date as timestamp) < local_days.day_end_at
            and cast(utc_dates.event_date + 1 as timestamp) > local_days.day_start_at
    where local_days.day_start_at < local_days.day_end_at
)

select * from final
