with set_aside as (
    select * from {{ ref('int_events__set_aside') }}
    where set_aside_reason = 'conflicting'
),

sources_set_aside as (
    select distinct event_source
    from set_aside
),

{{ systems_of_sources('sources_set_aside') }},

subjects as (
    select * from {{ ref('int_subjects__segmented') }}
),

meters as (
    select
        meter_id,
        {{ each_of('event_types') }} as event_type
    from {{ ref('stg_price_book__meters') }}
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

-- A meter's own row wins over the row of every meter, as it does for events that count.
located as (
    select
        set_aside.event_source,
        set_aside.event_id,
        meters.meter_id,
        case
            when own_subjects.meter_id is null then usual_subjects.contract_id
            else own_subjects.contract_id
        end as contract_id,
        set_aside.event_at,
        {{ local_date(
            'set_aside.event_at',
            'coalesce(own_subjects.time_zone, usual_subjects.time_zone)'
        ) | indent(8) }} as local_date
    from set_aside
    inner join systems on set_aside.event_source = systems.event_source
    inner join subjects as usual_subjects
        on
            systems.system_id = usual_subjects.system_id
            and set_aside.subject = usual_subjects.subject
            and set_aside.event_at >= usual_subjects.segment_start_at
            and set_aside.event_at < usual_subjects.segment_end_at
            and usual_subjects.meter_id = {{ every_meter() }}
    inner join meters on set_aside.event_type = meters.event_type
    left join subjects as own_subjects
        on
            usual_subjects.system_id = own_subjects.system_id
            and usual_subjects.subject = own_subjects.subject
            and meters.meter_id = own_subjects.meter_id
            and set_aside.event_at >= own_subjects.segment_start_at
            and set_aside.event_at < own_subjects.segment_end_at
),

final as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date,
        count(distinct located.event_source || ' ' || located.event_id)
            as conflict_count,
        min(located.local_date) as first_conflict_date
    from located
    inner join segments
        on
            located.contract_id = segments.contract_id
            and located.meter_id = segments.meter_id
            and located.event_at >= segments.service_start_at
            and located.event_at < segments.service_end_at
    group by
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date
)

select * from final
