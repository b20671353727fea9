with sources as (
    select * from {{ ref('stg_reference__sources') }}
    where is_expected_daily
),

quiet_days as (
    select * from {{ ref('stg_reference__quiet_days') }}
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

{{ listed_days(['source_prefix']) }},

{{ first_billing_periods('dated') }},

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
