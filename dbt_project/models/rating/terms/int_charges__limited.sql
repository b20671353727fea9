with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

timed as (
    select * from {{ ref('int_charges__timed') }}
),

limits as (
    select * from {{ ref('stg_price_book__charge_limits') }}
),

trials as (
    select * from {{ ref('int_terms__in_force') }}
    where term_kind = 'trial'
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

tried_segments as (
    select distinct
        segments.contract_id,
        segments.charge_id,
        segments.service_start_at
    from segments
    inner join term_charges on segments.charge_id = term_charges.charge_id
    inner join trials
        on
            term_charges.term_id = trials.term_id
            and segments.contract_id = trials.contract_id
            and segments.service_start_at >= trials.in_force_from_at
            and segments.service_start_at < trials.in_force_to_at
),

-- The time of a cell in which a price with a limit is in force; a trial has no minimum.
spans as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.charge_price_id,
        segments.cell_start_date,
        min(limits.minimum_amount) as minimum_amount,
        min(limits.maximum_amount) as maximum_amount,
        cast(
            sum(
                case
                    when tried_segments.contract_id is null then timed.time_units
                    else 0
                end
            ) as {{ whole_number() }}
        ) as minimum_time_units,
        cast(sum(timed.time_units) as {{ whole_number() }}) as maximum_time_units,
        cast(min(timed.cell_units) as {{ whole_number() }}) as cell_units
    from segments
    inner join limits
        on
            segments.charge_price_id = limits.charge_price_id
            and segments.currency_code = limits.currency_code
    inner join timed
        on
            segments.contract_id = timed.contract_id
            and segments.charge_id = timed.charge_id
            and segments.service_start_at = timed.service_start_at
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
        maximum_time_units
    from spans
),

-- Prices that follow each other in a cell limit it together: minimums add up by their
-- time of the cell, and maximums, which are never prorated, are weighted by theirs.
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
            {{ rounded_quotient(
                '(sum(maximum_units * maximum_time_units) over cell_prices)',
                'greatest(sum(case when maximum_units is not null then maximum_time_units end) '
                ~ 'over cell_prices, 1)',
                "'half_away'"
            ) | indent(12) }} as decimal(38, 0)
        ) as maximum_units
    from prorated
    window cell_prices as (partition by contract_id, charge_id, cell_start_date)
)

select * from final
