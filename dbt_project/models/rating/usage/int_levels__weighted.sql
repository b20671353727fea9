with spans as (
    select * from {{ ref('int_levels__spanned') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'weighted_sum'
),

windows as (
    select * from {{ ref('int_charges__windowed') }}
),

-- Within a stretch of the run, windows are of one length, so that they can be counted.
stretched as (
    select
        spans.contract_id,
        spans.charge_id,
        spans.run_start_at,
        spans.meter_id,
        spans.customer_id,
        spans.dimension_key,
        spans.quantity,
        windows.window_length,
        greatest(spans.span_start_at, windows.stretch_start_at) as part_start_at,
        least(spans.span_end_at, windows.stretch_end_at) as part_end_at,
        windows.stretch_start_at,
        windows.first_local_window,
        windows.first_window_number,
        windows.utc_offset
    from spans
    inner join windows
        on
            spans.contract_id = windows.contract_id
            and spans.charge_id = windows.charge_id
            and spans.run_start_at = windows.run_start_at
            and spans.span_start_at < windows.stretch_end_at
            and spans.span_end_at > windows.stretch_start_at
),

parts as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        quantity,
        window_length,
        {{ microseconds_between('part_start_at', 'part_end_at') }} as part_length,
        {{ window_number('part_start_at') | indent(8) }} as first_number,
        {{ window_number(microseconds_after('part_end_at', -1)) | indent(8) }}
            as last_number,
        window_length
        - {{ floor_remainder(local_microseconds('part_start_at'), 'window_length') }}
            as head_length,
        {{ floor_remainder(
            local_microseconds(microseconds_after('part_end_at', -1)), 'window_length'
        ) }} + 1 as tail_length
    from stretched
),

-- The windows in which a level starts and ends, and the full ones between them.
window_parts as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        quantity,
        first_number as first_window_number,
        1 as window_count,
        case when first_number = last_number then part_length else head_length end
            as held_microseconds
    from parts
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        quantity,
        first_number + 1 as first_window_number,
        last_number - first_number - 1 as window_count,
        window_length as held_microseconds
    from parts
    where last_number > first_number + 1
    union all
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        quantity,
        last_number as first_window_number,
        1 as window_count,
        tail_length as held_microseconds
    from parts
    where last_number > first_number
),

-- A level up to 10^15 over a year stays within 38 digits.
weighed as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        first_window_number,
        window_count,
        case
            when abs(quantity) <= {{ largest_level() }}
                then {{ multiply(
                    'quantity', 'cast(held_microseconds as decimal(18, 0))', 9
                ) }}
        end as unit_microseconds
    from window_parts
),

summed as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        first_window_number,
        window_count,
        coalesce(sum(unit_microseconds), {{ zero_quantity() }}) as unit_microseconds,
        bool_or(unit_microseconds is null) as is_beyond_limit
    from weighed
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        first_window_number,
        window_count
),

cells as (
    select distinct
        contract_id,
        charge_id,
        run_start_at,
        {{ microseconds_between('cell_start_at', 'cell_end_at') }} as cell_microseconds
    from windows
),

divided as (
    select
        summed.contract_id,
        summed.charge_id,
        summed.run_start_at,
        summed.meter_id,
        summed.customer_id,
        summed.dimension_key,
        summed.first_window_number,
        summed.window_count,
        summed.is_beyond_limit,
        {{ scaled_integer('summed.unit_microseconds', 9) }} as scaled_quantity,
        case meters.weighted_by
            when 'period' then cells.cell_microseconds
            else 1000000
        end as divisor
    from summed
    inner join meters on summed.meter_id = meters.meter_id
    inner join cells
        on
            summed.contract_id = cells.contract_id
            and summed.charge_id = cells.charge_id
            and summed.run_start_at = cells.run_start_at
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
        {{ from_scaled_integer(
            rounded_quotient('scaled_quantity', 'divisor', "'half_away'"), 9
        ) | indent(8) }} as quantity,
        is_beyond_limit
    from divided
)

select * from final
