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

meter_definitions as (
    select * from {{ ref('stg_price_book__meters') }}
),

metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

meters as (
    select
        meter_id,
        {{ each_of('event_types') }} as event_type
    from meter_definitions
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

-- A level is carried on: until the next reading it is not known in later segments too.
-- By dimension values, or as a set of values, no single reading ends that.
carrying as (
    select
        meter_id,
        aggregation = 'latest' and window_unit is null as is_known_by_its_last_reading,
        {{ list_length('dimensions') }} = 0
        and aggregation <> 'unique_count' as is_one_level
    from meter_definitions
    where aggregation = 'weighted_sum' or carry_in = 'previous'
),

conflicts as (
    select distinct
        located.event_source,
        located.event_id,
        located.meter_id,
        located.contract_id,
        contracts.contract_lineage_id,
        located.event_at,
        located.local_date,
        carrying.meter_id is not null as is_carried,
        coalesce(carrying.is_known_by_its_last_reading, false)
            as is_known_by_its_last_reading,
        coalesce(carrying.is_one_level, false) as is_one_level
    from located
    inner join contracts on located.contract_id = contracts.contract_id
    left join carrying on located.meter_id = carrying.meter_id
),

readings as (
    select
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.first_event_at,
        metered.last_event_at
    from metered
    inner join contracts on metered.contract_id = contracts.contract_id
    inner join carrying on metered.meter_id = carrying.meter_id
),

ended as (
    select
        conflicts.event_source,
        conflicts.event_id,
        conflicts.meter_id,
        conflicts.contract_lineage_id,
        conflicts.event_at,
        min(
            case
                when readings.first_event_at > conflicts.event_at
                    then readings.first_event_at
                else readings.last_event_at
            end
        ) as known_again_at
    from conflicts
    inner join readings
        on
            conflicts.contract_lineage_id = readings.contract_lineage_id
            and conflicts.meter_id = readings.meter_id
            and conflicts.event_at < readings.last_event_at
    where conflicts.is_one_level
    group by
        conflicts.event_source,
        conflicts.event_id,
        conflicts.meter_id,
        conflicts.contract_lineage_id,
        conflicts.event_at
),

unknown as (
    select
        conflicts.*,
        coalesce(ended.known_again_at, {{ end_of_time() }}) as known_again_at
    from conflicts
    left join ended
        on
            conflicts.event_source = ended.event_source
            and conflicts.event_id = ended.event_id
            and conflicts.meter_id = ended.meter_id
            and conflicts.contract_lineage_id = ended.contract_lineage_id
            and conflicts.event_at = ended.event_at
),

touched as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date,
        unknown.event_source,
        unknown.event_id,
        unknown.local_date
    from unknown
    inner join segments
        on
            unknown.contract_id = segments.contract_id
            and unknown.meter_id = segments.meter_id
            and unknown.event_at >= segments.service_start_at
            and unknown.event_at < segments.service_end_at
    union all
    select
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date,
        unknown.event_source,
        unknown.event_id,
        unknown.local_date
    from unknown
    inner join segments
        on
            unknown.contract_lineage_id = segments.contract_lineage_id
            and unknown.meter_id = segments.meter_id
            and unknown.event_at < segments.service_start_at
            and unknown.known_again_at > segments.service_start_at
    where
        unknown.is_carried
        and not (
            unknown.is_known_by_its_last_reading
            and unknown.known_again_at < segments.service_end_at
        )
),

final as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        count(distinct event_source || ' ' || event_id) as conflict_count,
        min(local_date) as first_conflict_date
    from touched
    group by contract_id, charge_id, cell_start_date
)

select * from final
