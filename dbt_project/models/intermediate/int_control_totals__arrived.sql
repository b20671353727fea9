{#-
    What arrived of each day, in the terms of a control total: an identity of events once a day,
    whatever its repeats and contents; the quantity of what counts or was withdrawn. All of it
    from what is kept already. No event is read.
-#}

with measures as (
    select * from {{ ref('stg_reference__control_total_measures') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

arrived_days as (
    select * from {{ ref('int_source_days__arrived') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
),

picked_contents as (
    select * from {{ ref('int_event_contents__kept') }}
    where content_standing = 'picked'
),

counted as (
    select * from {{ ref('int_usage__counted') }}
    where counted_kind = 'meter'
),

retracted as (
    select * from {{ ref('int_retracted_events__metered') }}
),

event_sources as (
    select distinct event_source
    from arrived_days
),

{{ systems_of_sources('event_sources') }},

measured_sources as (
    select
        systems.event_source,
        measures.source_prefix,
        measures.measure
    from measures
    inner join systems on measures.source_prefix = systems.source_prefix
),

accepted as (
    select
        measured_sources.source_prefix,
        arrived_days.event_date as usage_date,
        sum(arrived_days.event_count) as accepted_count
    from measured_sources
    inner join arrived_days
        on measured_sources.event_source = arrived_days.event_source
    where measured_sources.measure = 'events'
    group by measured_sources.source_prefix, arrived_days.event_date
),

-- Rows of an identity on a day that are set aside; if all of them are repeats, the row
-- that they repeat counts.
aside_identities as (
    select
        measured_sources.source_prefix,
        set_aside.event_source,
        set_aside.event_id,
        set_aside.event_date as usage_date,
        count(*) as row_count,
        bool_and(set_aside.set_aside_reason = 'exact_repeat') as is_counted
    from measured_sources
    inner join set_aside on measured_sources.event_source = set_aside.event_source
    where measured_sources.measure = 'events'
    group by
        measured_sources.source_prefix,
        set_aside.event_source,
        set_aside.event_id,
        set_aside.event_date
),

surplus as (
    select
        aside_identities.source_prefix,
        aside_identities.usage_date,
        sum(
            aside_identities.row_count
            - case
                when
                    aside_identities.is_counted
                    or picked_contents.event_id is not null
                    then 0
                else 1
            end
        ) as surplus_count
    from aside_identities
    left join picked_contents
        on
            aside_identities.event_source = picked_contents.event_source
            and aside_identities.event_id = picked_contents.event_id
            and aside_identities.usage_date = picked_contents.event_date
    group by aside_identities.source_prefix, aside_identities.usage_date
),

arrived_events as (
    select
        accepted.source_prefix,
        'events' as measure,
        accepted.usage_date,
        accepted.accepted_count,
        cast(
            accepted.accepted_count - coalesce(surplus.surplus_count, 0)
            as decimal(38, 9)
        ) as quantity
    from accepted
    left join surplus
        on
            accepted.source_prefix = surplus.source_prefix
            and accepted.usage_date = surplus.usage_date
),

-- A measure of a meter is only declared where no other source has the system.
quantities as (
    select
        measures.source_prefix,
        measures.measure,
        counted.event_date as usage_date,
        case
            when
                meters.aggregation = 'count'
                then cast(counted.event_count as decimal(38, 9))
            when
                {{ is_within_limit('counted.quantity_sum') }}
                then counted.quantity_sum
        end as quantity
    from measures
    inner join meters on measures.measure = meters.meter_id
    inner join counted
        on
            measures.system_id = counted.system_id
            and meters.meter_id = counted.counted_id
    where measures.measure <> 'events'
    union all
    select
        measured_sources.source_prefix,
        measured_sources.measure,
        cast(retracted.event_at as date) as usage_date,
        retracted.quantity
    from measured_sources
    inner join retracted
        on
            measured_sources.event_source = retracted.event_source
            and measured_sources.measure = retracted.meter_id
),

arrived_quantities as (
    select
        source_prefix,
        measure,
        usage_date,
        cast(null as bigint) as accepted_count,
        cast(coalesce(sum(quantity), 0) as decimal(38, 9)) as quantity
    from quantities
    group by source_prefix, measure, usage_date
),

arrived as (
    select * from arrived_events
    union all
    select * from arrived_quantities
),

final as (
    select
        source_prefix,
        measure,
        usage_date,
        cast(accepted_count as bigint) as accepted_count,
        cast(quantity as decimal(38, 9)) as quantity
    from arrived
)

select * from final
