with sources as (
    select * from {{ ref('stg_reference__sources') }}
    where is_expected_daily
),

quiet_days as (
    select * from {{ ref('stg_reference__quiet_days') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

arrived_days as (
    select * from {{ ref('int_source_days__arrived') }}
),

event_sources as (
    select distinct event_source
    from arrived_days
),

{{ systems_of_sources('event_sources') }},

time_zones as (
    select time_zone
    from contracts
    union
    select 'UTC' as time_zone
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

arrivals as (
    select
        systems.source_prefix,
        arrived_days.event_date,
        sum(arrived_days.event_count) as event_count
    from arrived_days
    inner join systems on arrived_days.event_source = systems.event_source
    group by systems.source_prefix, arrived_days.event_date
),

settled_days as (
    select
        source_prefix,
        event_date as usage_date
    from arrivals
    union
    select
        source_prefix,
        quiet_date as usage_date
    from quiet_days
),

announced as (
    select
        sources.*,
        known_until.known_until_at,
        greatest(
            sources.expected_from_date,
            coalesce(
                cast(known_until.known_until_at as date) + 1, sources.expected_from_date
            )
        ) as future_from_date
    from sources
    cross join known_until
),

-- Of the days after the last batch's, the first that is not settled is that one, or it
-- follows a settled one.
next_days as (
    select
        source_prefix,
        future_from_date as usage_date
    from announced
    union
    select
        announced.source_prefix,
        settled_days.usage_date + 1 as usage_date
    from announced
    inner join settled_days
        on
            announced.source_prefix = settled_days.source_prefix
            and announced.future_from_date <= settled_days.usage_date
),

waiting as (
    select
        next_days.source_prefix,
        min(next_days.usage_date) as first_waiting_date
    from next_days
    left join settled_days
        on
            next_days.source_prefix = settled_days.source_prefix
            and next_days.usage_date = settled_days.usage_date
    where settled_days.usage_date is null
    group by next_days.source_prefix
),

-- Every source is listed up to a day that still waits, unless its announcement ends
-- before: however long no batch comes, one day is there to become overdue by the clock.
listed as (
    select
        announced.*,
        least(
            coalesce(announced.expected_to_date, date '9999-12-31'),
            waiting.first_waiting_date + 1
        ) as listed_to_date
    from announced
    inner join waiting on announced.source_prefix = waiting.source_prefix
),

numbered as (
    select
        *,
        {{ each_of(integers_between(
            0, days_between('expected_from_date', 'listed_to_date') ~ ' - 1'
        )) }} as day_number
    from listed
),

dated as (
    select
        *,
        expected_from_date + cast(day_number as integer) as usage_date
    from numbered
),

usage_dates as (
    select distinct usage_date
    from dated
),

-- A UTC day begins on the local day before in zones west of UTC: 1 November in October.
first_periods as (
    select
        usage_dates.usage_date,
        min({{ month_text(
            local_timestamp('cast(usage_dates.usage_date as timestamp)', 'time_zones.time_zone')
        ) }}) as first_billing_period
    from usage_dates
    cross join time_zones
    group by usage_dates.usage_date
),

joined as (
    select
        dated.source_prefix,
        dated.system_id,
        dated.usage_date,
        dated.known_until_at,
        first_periods.first_billing_period,
        {{ hours_after(
            'cast(dated.usage_date + 1 as timestamp)', 'dated.grace_hours'
        ) }} as grace_ends_at,
        cast(coalesce(arrivals.event_count, 0) as bigint) as event_count,
        quiet_days.quiet_date is not null as is_quiet
    from dated
    inner join first_periods on dated.usage_date = first_periods.usage_date
    left join arrivals
        on
            dated.source_prefix = arrivals.source_prefix
            and dated.usage_date = arrivals.event_date
    left join quiet_days
        on
            dated.source_prefix = quiet_days.source_prefix
            and dated.usage_date = quiet_days.quiet_date
),

final as (
    select
        source_prefix,
        system_id,
        usage_date,
        first_billing_period,
        grace_ends_at,
        event_count,
        case
            when event_count > 0 then 'arrived'
            when is_quiet then 'quiet'
            when grace_ends_at <= known_until_at then 'missing'
            else 'pending'
        end as arrival
    from joined
)

select * from final
