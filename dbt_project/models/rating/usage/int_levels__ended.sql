{%- set last_moment_at = microseconds_after('departures.left_at', -1) -%}

with departures as (
    select * from {{ ref('int_customers__left') }}
),

windows as (
    select * from {{ ref('int_charges__windowed') }}
),

final as (
    select
        windows.contract_id,
        windows.charge_id,
        windows.run_start_at,
        departures.customer_id,
        departures.left_at,
        {{ window_number(last_moment_at, 'windows.') | indent(8) }} + 1
            as ended_window_number
    from departures
    inner join windows
        on
            departures.contract_lineage_id = windows.contract_lineage_id
            and departures.left_at > windows.run_start_at
            and departures.left_at < windows.run_end_at
            and {{ last_moment_at }} >= windows.stretch_start_at
            and {{ last_moment_at }} < windows.stretch_end_at
)

select * from final
