with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null and latest_event_at is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'latest' and carry_in = 'previous'
),

carried as (
    select * from {{ ref('int_levels__carried') }}
),

ended_levels as (
    select * from {{ ref('int_levels__ended') }}
),

readings as (
    select
        metered.*,
        {{ month_number('metered.local_date') }} as usage_month
    from metered
    inner join meters on metered.meter_id = meters.meter_id
),

{{ placed_in_windows('readings', 'latest_event_at') }},

run_windows as (
    select distinct
        contract_id,
        charge_id,
        run_start_at,
        run_window_count
    from windows
),

-- A window reads what was read last in it, until the next one with a reading.
window_readings as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        {{ latest_by(
            'latest_quantity',
            ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
        ) }} as quantity,
        max(latest_event_at) as last_read_at
    from placed
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number
),

carried_levels as (
    select
        carried.contract_id,
        carried.charge_id,
        carried.run_start_at,
        carried.meter_id,
        carried.customer_id,
        carried.dimension_key,
        1 as window_number,
        carried.quantity
    from carried
    inner join meters on carried.meter_id = meters.meter_id
    left join window_readings
        on
            carried.contract_id = window_readings.contract_id
            and carried.charge_id = window_readings.charge_id
            and carried.run_start_at = window_readings.run_start_at
            and carried.customer_id = window_readings.customer_id
            and carried.dimension_key = window_readings.dimension_key
            and window_readings.window_number = 1
    where window_readings.contract_id is null
),

levels as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        quantity
    from window_readings
    union all
    select * from carried_levels
),

-- No level holds in the windows after the one in which its customer leaves, unless it
-- was back and read in that one.
endings as (
    select distinct
        levels.contract_id,
        levels.charge_id,
        levels.run_start_at,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        ended_levels.ended_window_number as window_number,
        cast(null as decimal(38, 9)) as quantity
    from levels
    inner join ended_levels
        on
            levels.contract_id = ended_levels.contract_id
            and levels.charge_id = ended_levels.charge_id
            and levels.run_start_at = ended_levels.run_start_at
            and levels.customer_id = ended_levels.customer_id
    anti join window_readings
        on
            levels.contract_id = window_readings.contract_id
            and levels.charge_id = window_readings.charge_id
            and levels.run_start_at = window_readings.run_start_at
            and levels.customer_id = window_readings.customer_id
            and levels.dimension_key = window_readings.dimension_key
            and ended_levels.ended_window_number - 1 <= window_readings.window_number
            and ended_levels.ended_window_number >= window_readings.window_number
            and ended_levels.left_at <= window_readings.last_read_at
),

bounded as (
    select * from levels
    union all
    select * from endings
),

followed as (
    select
        *,
        lead(window_number) over (
            partition by
                contract_id,
                charge_id,
                run_start_at,
                meter_id,
                customer_id,
                dimension_key
            order by window_number
        ) as next_window_number
    from bounded
),

final as (
    select
        levels.contract_id,
        levels.charge_id,
        levels.run_start_at,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        levels.window_number as first_window_number,
        cast(
            coalesce(levels.next_window_number, run_windows.run_window_count + 1)
            - levels.window_number as integer
        ) as window_count,
        levels.quantity,
        false as is_beyond_limit
    from followed as levels
    inner join run_windows
        on
            levels.contract_id = run_windows.contract_id
            and levels.charge_id = run_windows.charge_id
            and levels.run_start_at = run_windows.run_start_at
    where levels.quantity is not null
)

select * from final
