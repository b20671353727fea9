with distinct_values as (
    select * from {{ ref('int_usage__distinct_values') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'unique_count'
),

carried as (
    select * from {{ ref('int_values__carried') }}
),

ended_levels as (
    select * from {{ ref('int_levels__ended') }}
),

valued_usage as (
    select
        distinct_values.*,
        meters.carry_in,
        {{ month_number('distinct_values.local_date') }} as usage_month,
        coalesce(
            greatest(distinct_values.quarter_hour_at, distinct_values.slice_start_at),
            distinct_values.slice_start_at
        ) as used_at
    from distinct_values
    inner join meters on distinct_values.meter_id = meters.meter_id
),

{{ placed_in_windows('valued_usage', 'used_at') }},

merged as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        carry_in,
        window_number,
        distinct_value,
        bool_or(coalesce(has_add, true)) as has_add,
        min(case when first_operation_at is not null then {{ struct_of({
            'first_operation_at': 'first_operation_at',
            'first_operation_nanos': 'first_operation_nanos',
            'is_at_start': 'first_operation_at = window_start_at',
        }) }} end) as first_operation,
        coalesce({{ latest_by(
            'is_last_add',
            [
                'last_operation_at',
                'last_operation_nanos',
                'last_operation_source',
                'last_operation_id',
            ]
        ) }}, true) as is_active_after,
        max(coalesce(last_operation_at, slice_start_at)) as last_used_at
    from placed
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        carry_in,
        window_number,
        distinct_value
),

-- Without a level carried in, a window counts the values that were added in it.
added as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number as first_window_number,
        1 as window_count,
        count(*) as value_count
    from merged
    where carry_in = 'zero' and has_add
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number
),

-- With one, a value is active from an addition on; what is removed at a window's first
-- moment is not active in it.
value_steps as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        distinct_value,
        window_number,
        has_add,
        coalesce(
            first_operation.is_at_start and first_operation.first_operation_nanos = 0,
            false
        ) as is_removed_at_start,
        is_active_after
    from merged
    where carry_in = 'previous'
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        distinct_value,
        0 as window_number,
        false as has_add,
        false as is_removed_at_start,
        true as is_active_after
    from carried
),

-- No value is active in the windows after the one in which its customer leaves, unless
-- it was back in that one.
endings as (
    select distinct
        value_steps.contract_id,
        value_steps.charge_id,
        value_steps.run_start_at,
        value_steps.meter_id,
        value_steps.customer_id,
        value_steps.dimension_key,
        value_steps.distinct_value,
        ended_levels.ended_window_number as window_number,
        false as has_add,
        true as is_removed_at_start,
        false as is_active_after
    from value_steps
    inner join ended_levels
        on
            value_steps.contract_id = ended_levels.contract_id
            and value_steps.charge_id = ended_levels.charge_id
            and value_steps.run_start_at = ended_levels.run_start_at
            and value_steps.customer_id = ended_levels.customer_id
    anti join merged
        on
            value_steps.contract_id = merged.contract_id
            and value_steps.charge_id = merged.charge_id
            and value_steps.run_start_at = merged.run_start_at
            and value_steps.customer_id = merged.customer_id
            and value_steps.dimension_key = merged.dimension_key
            and value_steps.distinct_value = merged.distinct_value
            and ended_levels.ended_window_number - 1 <= merged.window_number
            and ended_levels.ended_window_number >= merged.window_number
            and ended_levels.left_at <= merged.last_used_at
),

bounded_steps as (
    select * from value_steps
    union all
    select * from endings
),

followed as (
    select
        value_steps.*,
        windows.run_window_count,
        coalesce(
            lag(value_steps.is_active_after) over (
                partition by
                    value_steps.contract_id,
                    value_steps.charge_id,
                    value_steps.run_start_at,
                    value_steps.meter_id,
                    value_steps.customer_id,
                    value_steps.dimension_key,
                    value_steps.distinct_value
                order by value_steps.window_number
            ),
            false
        ) as is_active_before,
        coalesce(
            lead(value_steps.window_number) over (
                partition by
                    value_steps.contract_id,
                    value_steps.charge_id,
                    value_steps.run_start_at,
                    value_steps.meter_id,
                    value_steps.customer_id,
                    value_steps.dimension_key,
                    value_steps.distinct_value
                order by value_steps.window_number
            ),
            windows.run_window_count + 1
        ) as next_window_number
    from bounded_steps as value_steps
    inner join windows
        on
            value_steps.contract_id = windows.contract_id
            and value_steps.charge_id = windows.charge_id
            and value_steps.run_start_at = windows.run_start_at
            and windows.stretch_start_at = windows.run_start_at
),

active_spans as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        window_number as from_window_number,
        window_number + 1 as to_window_number
    from followed
    where has_add or (is_active_before and not is_removed_at_start)
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        window_number + 1 as from_window_number,
        next_window_number as to_window_number
    from followed
    where is_active_after and next_window_number > window_number + 1
),

changes as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        from_window_number as window_number,
        1 as step
    from active_spans
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        to_window_number as window_number,
        -1 as step
    from active_spans
    union all
    select distinct
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        1 as window_number,
        0 as step
    from active_spans
),

net_changes as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        window_number,
        sum(step) as step
    from changes
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        window_number
    having sum(step) <> 0 or window_number = 1
),

active as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        run_window_count,
        window_number as first_window_number,
        coalesce(
            lead(window_number) over (
                partition by
                    contract_id,
                    charge_id,
                    run_start_at,
                    meter_id,
                    customer_id,
                    dimension_key
                order by window_number
            ),
            run_window_count + 1
        ) - window_number as window_count,
        sum(step) over (
            partition by
                contract_id,
                charge_id,
                run_start_at,
                meter_id,
                customer_id,
                dimension_key
            order by window_number
            rows between unbounded preceding and current row
        ) as value_count
    from net_changes
),

counted as (
    select * from added
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        first_window_number,
        window_count,
        value_count
    from active
    where first_window_number <= run_window_count
),

final as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        cast(first_window_number as integer) as first_window_number,
        cast(window_count as integer) as window_count,
        cast(value_count as decimal(38, 9)) as quantity,
        false as is_beyond_limit
    from counted
)

select * from final
