with runs as (
    select * from {{ ref('int_charges__runs') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where window_unit in ('hour', 'day')
),

time_zones as (
    select
        runs.time_zone,
        min(runs.run_start_date) - 2 as from_date,
        max(runs.run_end_date) + 2 as to_date
    from runs
    inner join meters on runs.meter_id = meters.meter_id
    group by runs.time_zone
),

day_numbers as (
    select
        time_zone,
        from_date,
        {{ each_of(integers_between('0', days_between('from_date', 'to_date'))) }}
            as day_number
    from time_zones
),

days as (
    select
        time_zone,
        cast(from_date + cast(day_number as integer) as timestamp) as day_start_at
    from day_numbers
),

-- A zone changes its clock on few days: only those are looked at by quarter hours.
changing_days as (
    select
        time_zone,
        day_start_at
    from days
    where
        {{ utc_offset('day_start_at', 'time_zone') }}
        <> {{ utc_offset(
            microseconds_after('day_start_at', 86400000000), 'time_zone'
        ) }}
),

quarter_numbers as (
    select
        time_zone,
        day_start_at,
        {{ each_of(integers_between('1', '96')) }} as quarter_number
    from changing_days
),

quarters as (
    select
        time_zone,
        {{ microseconds_after('day_start_at', 'quarter_number * 900000000') }}
            as quarter_start_at
    from quarter_numbers
),

starts as (
    select
        time_zone,
        quarter_start_at as stretch_start_at
    from quarters
    where
        {{ utc_offset('quarter_start_at', 'time_zone') }}
        <> {{ utc_offset(microseconds_after('quarter_start_at', -1), 'time_zone') }}
    union all
    select
        time_zone,
        {{ start_of_time() }} as stretch_start_at
    from time_zones
),

final as (
    select
        time_zone,
        stretch_start_at,
        coalesce(
            lead(stretch_start_at) over (
                partition by time_zone
                order by stretch_start_at
            ),
            {{ end_of_time() }}
        ) as stretch_end_at
    from starts
)

select * from final
