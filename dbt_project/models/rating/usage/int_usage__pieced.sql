{%- set before_segment_at = microseconds_after('cut_segments.service_start_at', -1) -%}

with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where {{ is_additive('aggregation', 'window_aggregation') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
    where segment_count > 1 and meter_id is not null
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
    where cell_segment_count > 1
),

windows as (
    select * from {{ ref('int_charges__windowed') }}
),

window_quantities as (
    select * from {{ ref('int_usage__windows_listed') }}
),

levels as (
    select * from {{ ref('int_levels__spanned') }}
),

cut_segments as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.meter_id,
        segments.service_start_at,
        segments.service_end_at,
        runs.run_start_at,
        runs.cell_start_at,
        runs.cell_end_at
    from segments
    inner join runs
        on
            segments.contract_id = runs.contract_id
            and segments.charge_id = runs.charge_id
            and segments.cell_start_date = runs.cell_start_date
            and segments.run_number = runs.run_number
),

event_pieces as (
    select
        cut_segments.contract_id,
        cut_segments.charge_id,
        cut_segments.service_start_at,
        metered.customer_id,
        metered.dimension_key,
        cast(
            case
                when not coalesce(bool_or({{ is_sum_of_events('meters') }}), false)
                    then null
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
    left join meters on cut_segments.meter_id = meters.meter_id
    group by
        cut_segments.contract_id,
        cut_segments.charge_id,
        cut_segments.service_start_at,
        metered.customer_id,
        metered.dimension_key
),

-- A window counts for the segment that holds its first moment.
windowed_segments as (
    select
        cut_segments.*,
        windows.run_window_count,
        case
            when cut_segments.service_start_at = cut_segments.run_start_at then 1
            else {{ window_number(before_segment_at, 'windows.') | indent(12) }} + 1
        end as first_window_number
    from cut_segments
    inner join meters on cut_segments.meter_id = meters.meter_id
    inner join windows
        on
            cut_segments.contract_id = windows.contract_id
            and cut_segments.charge_id = windows.charge_id
            and cut_segments.run_start_at = windows.run_start_at
            and greatest({{ before_segment_at }}, cut_segments.run_start_at)
            >= windows.stretch_start_at
            and greatest({{ before_segment_at }}, cut_segments.run_start_at)
            < windows.stretch_end_at
    where meters.window_unit is not null and not {{ is_sum_of_events('meters') }}
),

segment_windows as (
    select
        *,
        coalesce(
            lead(first_window_number) over (
                partition by contract_id, charge_id, run_start_at
                order by service_start_at
            ),
            run_window_count + 1
        ) as next_window_number
    from windowed_segments
),

window_parts as (
    select
        segment_windows.contract_id,
        segment_windows.charge_id,
        segment_windows.service_start_at,
        window_quantities.customer_id,
        window_quantities.dimension_key,
        case
            when {{ is_within_limit('window_quantities.quantity') }}
                then {{ multiply(
                    'window_quantities.quantity',
                    'cast(least(window_quantities.first_window_number '
                    ~ '+ window_quantities.window_count, segment_windows.next_window_number) '
                    ~ '- greatest(window_quantities.first_window_number, '
                    ~ 'segment_windows.first_window_number) as decimal(18, 0))',
                    9
                ) }}
        end as quantity
    from segment_windows
    inner join window_quantities
        on
            segment_windows.contract_id = window_quantities.contract_id
            and segment_windows.charge_id = window_quantities.charge_id
            and segment_windows.run_start_at = window_quantities.run_start_at
            and segment_windows.next_window_number
            > window_quantities.first_window_number
            and segment_windows.first_window_number
            < window_quantities.first_window_number + window_quantities.window_count
),

-- A level counts for the time that it holds within the segment.
level_parts as (
    select
        cut_segments.contract_id,
        cut_segments.charge_id,
        cut_segments.service_start_at,
        levels.customer_id,
        levels.dimension_key,
        case meters.weighted_by
            when 'period'
                then {{ microseconds_between(
                    'cut_segments.cell_start_at', 'cut_segments.cell_end_at'
                ) }}
            else 1000000
        end as divisor,
        case
            when abs(levels.quantity) <= {{ largest_level() }}
                then {{ multiply(
                    'levels.quantity',
                    'cast(' ~ microseconds_between(
                        'greatest(levels.span_start_at, cut_segments.service_start_at)',
                        'least(levels.span_end_at, cut_segments.service_end_at)'
                    ) ~ ' as decimal(18, 0))',
                    9
                ) }}
        end as unit_microseconds
    from cut_segments
    inner join meters on cut_segments.meter_id = meters.meter_id
    inner join levels
        on
            cut_segments.contract_id = levels.contract_id
            and cut_segments.charge_id = levels.charge_id
            and cut_segments.run_start_at = levels.run_start_at
            and cut_segments.service_end_at > levels.span_start_at
            and cut_segments.service_start_at < levels.span_end_at
    where meters.window_unit is null
),

held as (
    select
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key,
        min(divisor) as divisor,
        {{ scaled_integer('sum(unit_microseconds)', 9) }} as scaled_quantity
    from level_parts
    group by
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key
),

quantity_pieces as (
    select * from window_parts
    union all
    select
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key,
        {{ from_scaled_integer(
            rounded_quotient('scaled_quantity', 'divisor', "'half_away'"), 9
        ) | indent(8) }} as quantity
    from held
),

pieces as (
    select * from event_pieces
    union all
    select
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key,
        cast({{ limited_sum('quantity') }} as decimal(38, 9)) as quantity,
        cast(0 as bigint) as event_count,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from quantity_pieces
    group by
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key
),

-- Only one of the two has a quantity.
final as (
    select
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key,
        max(quantity) as quantity,
        max(event_count) as event_count,
        max(digest_sum_1) as digest_sum_1,
        max(digest_sum_2) as digest_sum_2,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
    from pieces
    group by
        contract_id,
        charge_id,
        service_start_at,
        customer_id,
        dimension_key
)

select * from final
