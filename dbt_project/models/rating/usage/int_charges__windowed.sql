with runs as (
    select * from {{ ref('int_charges__runs') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

zone_stretches as (
    select * from {{ ref('int_time_zones__stretched') }}
),

refined_runs as (
    select
        runs.contract_id,
        runs.contract_lineage_id,
        runs.charge_id,
        runs.meter_id,
        runs.time_zone,
        runs.cell_start_date,
        runs.cell_start_at,
        runs.cell_end_at,
        runs.run_start_at,
        runs.run_end_at,
        runs.run_start_date,
        runs.run_end_date,
        meters.window_unit
    from runs
    inner join meters on runs.meter_id = meters.meter_id
    where {{ is_refined('meters') }}
),

month_numbers as (
    select
        *,
        {{ each_of(integers_between(
            '0', months_between('run_start_date', '(run_end_date - 1)')
        )) }} as month_number
    from refined_runs
    where window_unit = 'month'
),

months as (
    select
        *,
        {{ add_months('run_start_date', 'month_number', 1) }} as month_start_date,
        {{ add_months('run_start_date', '(month_number + 1)', 1) }} as month_end_date
    from month_numbers
),

-- Within a stretch of a run, windows have one length, or there is only one.
stretches as (
    select
        contract_id,
        charge_id,
        run_start_at,
        run_start_at as stretch_start_at,
        run_end_at as stretch_end_at,
        cast(null as bigint) as window_length,
        cast(null as bigint) as utc_offset
    from refined_runs
    where window_unit is null
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        greatest(
            run_start_at, {{ local_day_start_at('month_start_date', 'time_zone') }}
        ) as stretch_start_at,
        least(
            run_end_at, {{ local_day_start_at('month_end_date', 'time_zone') }}
        ) as stretch_end_at,
        cast(null as bigint) as window_length,
        cast(null as bigint) as utc_offset
    from months
    union all
    select
        refined_runs.contract_id,
        refined_runs.charge_id,
        refined_runs.run_start_at,
        greatest(refined_runs.run_start_at, zone_stretches.stretch_start_at)
            as stretch_start_at,
        least(refined_runs.run_end_at, zone_stretches.stretch_end_at) as stretch_end_at,
        case refined_runs.window_unit
            when 'hour' then 3600000000
            else 86400000000
        end as window_length,
        {{ utc_offset(
            'greatest(refined_runs.run_start_at, zone_stretches.stretch_start_at)',
            'refined_runs.time_zone'
        ) }} as utc_offset
    from refined_runs
    inner join zone_stretches
        on
            refined_runs.time_zone = zone_stretches.time_zone
            and refined_runs.run_end_at > zone_stretches.stretch_start_at
            and refined_runs.run_start_at < zone_stretches.stretch_end_at
    where refined_runs.window_unit in ('hour', 'day')
),

-- Windows counted on from the zone's epoch; a stretch of one window has one number.
counted as (
    select
        *,
        coalesce({{ local_window('stretch_start_at') }}, 0) as first_local_window,
        coalesce({{ local_window(microseconds_after('stretch_end_at', -1)) }}, 0)
            as last_local_window
    from stretches
    where stretch_start_at < stretch_end_at
),

-- A day goes on where the clock is changed within it; an hour starts anew.
compared as (
    select
        *,
        coalesce(
            window_length = 86400000000
            and first_local_window = lag(last_local_window) over (
                partition by contract_id, charge_id, run_start_at
                order by stretch_start_at
            ),
            false
        ) as is_continued
    from counted
),

summed as (
    select
        *,
        sum(
            last_local_window - first_local_window + 1
            - case when is_continued then 1 else 0 end
        ) over (
            partition by contract_id, charge_id, run_start_at
            order by stretch_start_at
            rows between unbounded preceding and current row
        ) as last_window_number,
        sum(
            last_local_window - first_local_window + 1
            - case when is_continued then 1 else 0 end
        ) over (
            partition by contract_id, charge_id, run_start_at
        ) as run_window_count
    from compared
),

final as (
    select
        refined_runs.contract_id,
        refined_runs.contract_lineage_id,
        refined_runs.charge_id,
        refined_runs.meter_id,
        refined_runs.cell_start_date,
        refined_runs.cell_start_at,
        refined_runs.cell_end_at,
        refined_runs.run_start_at,
        refined_runs.run_end_at,
        summed.stretch_start_at,
        summed.stretch_end_at,
        summed.window_length,
        summed.utc_offset,
        summed.first_local_window,
        cast(
            summed.last_window_number
            - (summed.last_local_window - summed.first_local_window) as integer
        ) as first_window_number,
        summed.is_continued,
        cast(summed.run_window_count as integer) as run_window_count
    from summed
    inner join refined_runs
        on
            summed.contract_id = refined_runs.contract_id
            and summed.charge_id = refined_runs.charge_id
            and summed.run_start_at = refined_runs.run_start_at
)

select * from final
