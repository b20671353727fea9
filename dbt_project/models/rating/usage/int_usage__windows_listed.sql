with windows_counted as (
    select * from {{ ref('int_usage__windows_counted') }}
),

percentiles as (
    select * from {{ ref('int_usage__percentiles_taken') }}
),

values_counted as (
    select * from {{ ref('int_usage__values_counted') }}
),

held_levels as (
    select * from {{ ref('int_levels__held') }}
),

weighted_levels as (
    select * from {{ ref('int_levels__weighted') }}
),

listed as (
    select * from windows_counted
    union all
    select * from percentiles
    union all
    select * from values_counted
    union all
    select * from held_levels
    union all
    select * from weighted_levels
),

final as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        first_window_number,
        window_count,
        quantity,
        is_beyond_limit
    from listed
)

select * from final
