with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
),

later_runs as (
    select * from {{ ref('int_charges__quantified') }}
    where ladder_run_number > 1
),

tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

currencies as (
    select * from {{ ref('currencies') }}
),

tier_sums as (
    select
        ladder_run_id,
        count(*) filter (where {{ tier_is_told() }}) as tier_count,
        max(denominator) as denominator,
        sum(amount_units) as amount_units,
        sum(amount_rest) as amount_rest,
        bool_or(amount_units is null or amount_rest is null) as is_overflown,
        bool_or(is_unpriced) as is_beyond_tiers,
        max(converted_quantity) as converted_quantity,
        max(billable_quantity) as billable_quantity,
        max(period_length) as period_length
    from tiers
    group by ladder_run_id
),

run_sums as (
    select
        *,
        {{ scaled_integer('denominator', 0) }} as whole_denominator,
        {{ scaled_integer('amount_units', 0) }} as whole_units,
        {{ scaled_integer('amount_rest', 0) }} as whole_rest
    from tier_sums
),

-- Only these ladders have several runs.
several as (
    select distinct ladder_key
    from later_runs
),

run_amounts as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        ladder_runs.ladder_run_number,
        currencies.minor_unit,
        prices.rounding_mode,
        run_sums.converted_quantity,
        run_sums.billable_quantity,
        run_sums.period_length,
        run_sums.tier_count,
        run_sums.amount_rest <> 0 as has_rests,
        several.ladder_key is not null as is_one_of_several,
        run_sums.whole_denominator as denominator,
        {{ floor_quotient('run_sums.whole_rest', 'run_sums.whole_denominator') }}
        + run_sums.whole_units as run_units,
        {{ floor_remainder('run_sums.whole_rest', 'run_sums.whole_denominator') }}
            as run_rest,
        case
            when run_sums.ladder_run_id is null and prices.charge_price_id is not null
                then 0
            when run_sums.ladder_run_id is null then 1
            when currencies.minor_unit is null then 2
            when
                ladder_runs.has_negative_events
                or (
                    ladder_runs.quantity_after < 0
                    and not (
                        {{ mirrors_negative_quantities('ladder_runs.charge_model') }}
                        and ladder_runs.is_negative_allowed
                    )
                ) then 3
            when ladder_runs.is_beyond_limit or run_sums.is_overflown then 4
            when run_sums.is_beyond_tiers then 5
            when ladder_runs.has_conflicting_events then 6
        end as exception_rank
    from ladder_runs
    left join run_sums on ladder_runs.ladder_run_id = run_sums.ladder_run_id
    left join prices
        on
            ladder_runs.charge_price_id = prices.charge_price_id
            and ladder_runs.currency_code = prices.currency_code
    left join several on ladder_runs.ladder_key = several.ladder_key
    left join currencies on ladder_runs.currency_code = currencies.currency_code
),

-- Runs of a ladder have one denominator as a rule; where they differ, each is rounded.
denominator_sums as (
    select
        ladder_key,
        denominator,
        sum(run_units) as run_units,
        sum(run_rest) as run_rest
    from run_amounts
    where is_one_of_several
    group by ladder_key, denominator
),

carried_over as (
    select
        ladder_key,
        denominator,
        run_units + {{ floor_quotient('run_rest', 'denominator') }} as whole_units,
        {{ floor_remainder('run_rest', 'denominator') }} as rest
    from denominator_sums
),

ladder_units as (
    select
        ladder_key,
        sum({{ half_away_from_floor('whole_units', 'rest', 'denominator') }})
            as ladder_units
    from carried_over
    group by ladder_key
),

ladder_states as (
    select
        ladder_key,
        min(exception_rank) as exception_rank,
        max_by(rounding_mode, ladder_run_number) as rounding_mode,
        sum(run_units) as run_units
    from run_amounts
    where is_one_of_several
    group by ladder_key
),

-- Divided once, for all of the ladder; largest remainders get what rounding left over.
spread as (
    select
        run_amounts.ladder_run_id,
        run_amounts.minor_unit,
        ladder_states.rounding_mode,
        run_amounts.converted_quantity,
        run_amounts.billable_quantity,
        run_amounts.period_length,
        run_amounts.tier_count,
        run_amounts.has_rests,
        ladder_states.exception_rank,
        run_amounts.run_units
        + {{ one_more_step(
            'run_amounts.ladder_key',
            [
                floor_quotient(
                    '(run_amounts.run_rest * 1000000)', 'run_amounts.denominator'
                ),
                'run_amounts.run_rest',
            ],
            'run_amounts.ladder_run_number',
            'ladder_units.ladder_units - ladder_states.run_units'
        ) }} as gross_units
    from run_amounts
    inner join ladder_states on run_amounts.ladder_key = ladder_states.ladder_key
    inner join ladder_units on run_amounts.ladder_key = ladder_units.ladder_key
),

divided as (
    select
        ladder_run_id,
        minor_unit,
        rounding_mode,
        converted_quantity,
        billable_quantity,
        period_length,
        tier_count,
        has_rests,
        exception_rank,
        {{ half_away_from_floor('run_units', 'run_rest', 'denominator') }}
            as gross_units
    from run_amounts
    where not is_one_of_several
    union all
    select * from spread
),

final as (
    select
        ladder_run_id,
        minor_unit,
        rounding_mode,
        cast(converted_quantity as decimal(38, 9)) as converted_quantity,
        cast(billable_quantity as decimal(38, 9)) as billable_quantity,
        cast(period_length as bigint) as period_length,
        cast(coalesce(tier_count, 0) as integer) as tier_count,
        coalesce(has_rests, false) as has_rests,
        case exception_rank
            when 0 then 'unpriced_dimension'
            when 1 then 'missing_price'
            when 2 then 'unknown_currency'
            when 3 then 'negative_quantity'
            when 4 then 'amount_overflow'
            when 5 then 'quantity_beyond_tiers'
            when 6 then 'conflicting_events'
        end as exception_code,
        -- Events in conflict hold an amount that can be computed; nothing else does.
        cast(
            case
                when coalesce(exception_rank, 6) = 6 then gross_units
            end as decimal(38, 0)
        ) as gross_units
    from divided
)

select * from final
