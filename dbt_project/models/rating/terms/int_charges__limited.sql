with segments as (
    select * from {{ ref('int_charges__timed') }}
),

limits as (
    select * from {{ ref('stg_price_book__charge_limits') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

tried_segments as (
    select * from {{ ref('int_charges__tried') }}
),

limited_segments as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.charge_price_id,
        segments.cell_start_date,
        segments.service_start_at,
        segments.time_units,
        segments.level_units,
        segments.cell_units,
        limits.minimum_amount,
        limits.maximum_amount,
        charges.ladder
    from segments
    inner join limits
        on
            segments.charge_price_id = limits.charge_price_id
            and segments.currency_code = limits.currency_code
    inner join charges on segments.charge_price_id = charges.charge_price_id
),

-- The time of a cell in which a price with a limit is in force; a trial has no minimum.
spans as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.charge_price_id,
        segments.cell_start_date,
        min(segments.minimum_amount) as minimum_amount,
        min(segments.maximum_amount) as maximum_amount,
        cast(
            sum(
                case
                    when tried_segments.contract_id is null then segments.time_units
                    else 0
                end
            ) as {{ whole_number() }}
        ) as minimum_time_units,
        bool_or(segments.ladder = 'restart') as is_restarting,
        cast(sum(segments.time_units) as {{ whole_number() }}) as share_units,
        cast(sum(segments.level_units) as {{ whole_number() }}) as price_time_units,
        cast(min(segments.cell_units) as {{ whole_number() }}) as cell_units
    from limited_segments as segments
    left join tried_segments
        on
            segments.contract_id = tried_segments.contract_id
            and segments.charge_id = tried_segments.charge_id
            and segments.service_start_at = tried_segments.service_start_at
    group by
        segments.contract_id,
        segments.charge_id,
        segments.charge_price_id,
        segments.cell_start_date
),

prorated as (
    select
        contract_id,
        charge_id,
        charge_price_id,
        cell_start_date,
        {{ rounded_quotient(
            '(' ~ scaled_integer('minimum_amount', 12) ~ ' * minimum_time_units)',
            'cell_units',
            "'half_away'"
        ) | indent(8) }} as minimum_units,
        {{ scaled_integer('maximum_amount', 12) }} as maximum_units,
        is_restarting,
        share_units,
        price_time_units,
        cell_units
    from spans
),

timed_maximums as (
    select
        *,
        sum(case when maximum_units is not null then price_time_units end) over (
            partition by contract_id, charge_id, cell_start_date
        ) as maximum_time_units
    from prorated
),

weighed as (
    select
        *,
        case when maximum_time_units = 0 then 1 else price_time_units end
            as maximum_weight
    from timed_maximums
),

-- Prices that follow each other in a cell limit it together: minimums add up by their
-- time of the cell, and maximums are weighted by theirs. A maximum is prorated only
-- where its ladder restarts.
final as (
    select
        contract_id,
        charge_id,
        charge_price_id,
        cell_start_date,
        minimum_units is not null as has_minimum,
        maximum_units is not null as has_maximum,
        cast(sum(minimum_units) over cell_prices as decimal(38, 0)) as minimum_units,
        cast(
            case
                when is_restarting
                    then {{ rounded_quotient(
                        '(sum(maximum_units * share_units) over cell_prices)',
                        'cell_units',
                        "'half_away'"
                    ) | indent(20) }}
                else {{ rounded_quotient(
                    '(sum(maximum_units * maximum_weight) over cell_prices)',
                    'greatest(sum(case when maximum_units is not null then maximum_weight end) '
                    ~ 'over cell_prices, 1)',
                    "'half_away'"
                ) | indent(16) }}
            end as decimal(38, 0)
        ) as maximum_units
    from weighed
    window cell_prices as (partition by contract_id, charge_id, cell_start_date)
)

select * from final
