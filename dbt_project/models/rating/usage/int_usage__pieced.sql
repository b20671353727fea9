with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
    where segment_count > 1 and meter_id is not null
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

cut_segments as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.meter_id,
        segments.service_start_at,
        segments.service_end_at
    from segments
    inner join runs
        on
            segments.contract_id = runs.contract_id
            and segments.charge_id = runs.charge_id
            and segments.cell_start_date = runs.cell_start_date
            and segments.run_number = runs.run_number
),

final as (
    select
        cut_segments.contract_id,
        cut_segments.charge_id,
        cut_segments.service_start_at,
        metered.customer_id,
        metered.dimension_key,
        cast(
            case
                when not bool_or({{ is_sum_of_events('meters') }}) then null
                when min(meters.aggregation) = 'count' then sum(metered.event_count)
                else coalesce({{ limited_sum('metered.quantity_sum') }}, 0)
            end as decimal(38, 9)
        ) as quantity,
        cast(sum(metered.event_count) as bigint) as event_count,
        cast(sum(metered.digest_sum_1) as decimal(38, 0)) as digest_sum_1,
        cast(sum(metered.digest_sum_2) as decimal(38, 0)) as digest_sum_2,
        min(metered.first_event_at) as first_event_at,
        max(metered.last_event_at) as last_event_at
    from cut_segments
    inner join metered
        on
            cut_segments.contract_id = metered.contract_id
            and cut_segments.meter_id = metered.meter_id
            and cut_segments.service_start_at <= metered.slice_start_at
            and cut_segments.service_end_at > metered.slice_start_at
    inner join meters on cut_segments.meter_id = meters.meter_id
    group by
        cut_segments.contract_id,
        cut_segments.charge_id,
        cut_segments.service_start_at,
        metered.customer_id,
        metered.dimension_key
)

select * from final
