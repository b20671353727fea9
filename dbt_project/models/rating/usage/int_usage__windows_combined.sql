with window_quantities as (
    select * from {{ ref('int_usage__windows_listed') }}
),

windows as (
    select * from {{ ref('int_charges__windowed') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

multiplied as (
    select
        window_quantities.*,
        case
            when {{ is_within_limit('window_quantities.quantity') }}
                then {{ multiply(
                    'window_quantities.quantity',
                    'cast(window_quantities.window_count as decimal(18, 0))',
                    9
                ) }}
        end as windows_quantity
    from window_quantities
    where window_quantities.quantity is not null or window_quantities.is_beyond_limit
),

summed as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        sum(case when quantity is not null then window_count end) as window_count,
        {{ limited_sum('windows_quantity') }} as quantity_sum,
        max(quantity) as quantity_max,
        bool_or(
            is_beyond_limit
            or coalesce(not {{ is_within_limit('windows_quantity') }}, true)
        ) as is_beyond_limit
    from multiplied
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key
),

-- A window without events counts where a level holds, or where it is to count as 0.
described as (
    select
        summed.*,
        meters.aggregation,
        meters.window_aggregation,
        windows.cell_start_date,
        case
            when {{ holds_in_every_window('meters') }} or meters.empty_windows = 'zero'
                then windows.run_window_count
            else summed.window_count
        end as divisor,
        summed.window_count < windows.run_window_count as has_empty_windows
    from summed
    inner join meters on summed.meter_id = meters.meter_id
    inner join windows
        on
            summed.contract_id = windows.contract_id
            and summed.charge_id = windows.charge_id
            and summed.run_start_at = windows.run_start_at
            and windows.stretch_start_at = windows.run_start_at
),

final as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        cell_start_date,
        cast(
            case window_aggregation
                when 'sum' then quantity_sum
                when 'avg' then {{ average_of('quantity_sum', 'divisor') | indent(16) }}
                else
                    case
                        when
                            aggregation = 'sum'
                            and has_empty_windows
                            and quantity_max < 0
                            then {{ zero_quantity() }}
                        else quantity_max
                    end
            end as decimal(38, 9)
        ) as quantity,
        is_beyond_limit
    from described
)

select * from final
