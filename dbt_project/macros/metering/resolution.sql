{#-
    Who used it. Belongs here: resolving slices of counted usage to today's customer, contract and
    local day. Does not belong here: the segments themselves (int_subjects__segmented).
-#}

{% macro resolved_slices(slices, meter_id) -%}
    {#- The CTEs that resolve a relation of counted rows (event_date, system_id, subject,
        slice_start_at) for a meter, or for every meter. The last one, resolved, has the relation's
        columns and the resolution's.

        Slices were cut at today's segments and local days, so that the start of one decides for all
        of it. A subject that no identity names is unmapped at all times. -#}
    segments as (
        select * from {{ ref('int_subjects__segmented') }}
    ),

    zone_days as (
        select * from {{ ref('int_time_zone_days__listed') }}
    ),

    known_systems as (
        select distinct system_id
        from {{ ref('stg_reference__sources') }}
    ),

    usual_segments as (
        select * from segments
        where meter_id = {{ tallyhouse.every_meter() }}
    ),

    own_segments as (
        select * from segments
        where meter_id <> {{ tallyhouse.every_meter() }}
    ),

    attributed as (
        select
            {{ slices }}.*,
            coalesce(
                usual_segments.segment_start_at, {{ tallyhouse.start_of_time() }}
            ) as segment_start_at,
            coalesce(
                usual_segments.segment_end_at, {{ tallyhouse.end_of_time() }}
            ) as segment_end_at,
            usual_segments.customer_id,
            case
                when own_segments.meter_id is null then usual_segments.contract_id
                else own_segments.contract_id
            end as contract_id,
            case
                when own_segments.meter_id is null then usual_segments.contract_version
                else own_segments.contract_version
            end as contract_version,
            coalesce(own_segments.time_zone, usual_segments.time_zone, 'UTC') as time_zone,
            case
                when known_systems.system_id is null then 'unmapped_source'
                when usual_segments.meter_id is null then 'unmapped_subject'
                when own_segments.meter_id is not null then own_segments.resolution_code
                else usual_segments.resolution_code
            end as resolution_code
        from {{ slices }}
        left join known_systems on {{ slices }}.system_id = known_systems.system_id
        left join usual_segments
            on
                {{ slices }}.system_id = usual_segments.system_id
                and {{ slices }}.subject = usual_segments.subject
                and {{ slices }}.slice_start_at >= usual_segments.segment_start_at
                and {{ slices }}.slice_start_at < usual_segments.segment_end_at
        left join own_segments
            on
                {{ slices }}.system_id = own_segments.system_id
                and {{ slices }}.subject = own_segments.subject
                and {{ meter_id }} = own_segments.meter_id
                and {{ slices }}.slice_start_at >= own_segments.segment_start_at
                and {{ slices }}.slice_start_at < own_segments.segment_end_at
    ),

    resolved as (
        select
            attributed.*,
            zone_days.local_date
        from attributed
        left join zone_days
            on
                attributed.time_zone = zone_days.time_zone
                and attributed.event_date = zone_days.event_date
                and attributed.slice_start_at >= zone_days.part_start_at
                and attributed.slice_start_at < zone_days.part_end_at
    )
{%- endmacro %}
