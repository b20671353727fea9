{{ config(materialized='view') }}

with runs as (
    select * from {{ ref('int_charges__runs') }}
    where meter_id is not null
),

-- Usage finds its run by the month of its day: joining stays linear in a long history.
final as (
    select
        contract_id,
        meter_id,
        charge_id,
        cell_start_date,
        run_start_at,
        run_end_at,
        cast(
            {{ each_of(integers_between(
                month_number('run_start_date'), month_number('(run_end_date - 1)')
            )) }} as integer
        ) as usage_month
    from runs
)

select * from final
