with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
),

seats_runs as (
    select * from {{ ref('int_charges__quantified') }}
    where charge_model = 'seats'
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where lower_bound is not null
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

matched as (
    select * from {{ ref('int_dimension_prices__matched') }}
),

drawn as (
    select * from {{ ref('int_allowances__drawn') }}
),

event_fees as (
    select * from {{ ref('int_event_fees__counted') }}
),

-- What a price asks of a ladder, whatever tier it climbs to.
ladder_prices as (
    select
        *,
        {{ scaled_integer('scaled_package_size', 9) }} as package_size_units,
        {{ counts_packages_on_the_total() }} as has_packages_on_the_total,
        {{ counts_packages_per_tier() }} as has_packages_per_tier,
        multiplier = 1
        and convert_rounding = 'none'
        and charge_model <> 'package' as has_metered_quantity
    from prices
    where tier_number = 1
),

tier_prices as (
    select
        charge_price_id,
        currency_code,
        tier_number,
        lower_quantity,
        upper_quantity,
        lower_bound,
        upper_bound,
        unit_price,
        flat_amount,
        coalesce(is_unpriced, false) as is_unpriced,
        {{ scaled_integer('unit_price', 12) }} as price_units,
        {{ scaled_integer('flat_amount', 12) }} as flat_units
    from prices
),

-- Seats are divided by the length of the full cell too.
seats_periods as (
    select
        seats_runs.ladder_run_id,
        {{ seats_period_length(
            'ladder_prices.proration',
            'cells.cell_start_date',
            'cells.cell_end_date',
            'cells.cell_start_at',
            'cells.cell_end_at'
        ) }} as period_length
    from seats_runs
    inner join ladder_prices
        on
            seats_runs.charge_price_id = ladder_prices.charge_price_id
            and seats_runs.currency_code = ladder_prices.currency_code
    inner join cells
        on
            seats_runs.contract_id = cells.contract_id
            and seats_runs.cell_start_date = cells.cell_start_date
),

converted as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_run_number,
        ladder_runs.is_additive,
        ladder_runs.is_continued,
        ladder_runs.is_additive
        and not ladder_runs.is_continued
        and ladder_runs.time_units < ladder_runs.cell_units as is_restarted,
        ladder_runs.time_units,
        ladder_runs.cell_units,
        ladder_runs.share_units,
        ladder_runs.share_of_units,
        ladder_runs.valued_event_count,
        ladder_runs.quantity_before is not null as has_quantity_before,
        ladder_runs.quantity_after is not null as has_quantity_after,
        drawn.included_before,
        drawn.included_before + drawn.included_quantity as included_after,
        drawn.demanded_before,
        drawn.demanded_up_to,
        matched.tier_number as matched_tier_number,
        cast(coalesce(seats_periods.period_length, 1) as bigint) as period_length,
        ladder_prices.charge_price_id,
        ladder_prices.currency_code,
        ladder_prices.charge_model,
        ladder_prices.package_rounding,
        ladder_prices.package_size_units,
        ladder_prices.has_packages_on_the_total,
        ladder_prices.has_packages_per_tier,
        ladder_prices.has_metered_quantity,
        ladder_prices.free_quantity,
        ladder_prices.scaled_free_quantity,
        ladder_prices.zero_usage,
        ladder_prices.converted_divisor,
        ladder_prices.billable_divisor,
        ladder_prices.priced_divisor,
        ladder_prices.looks_at_each_event,
        {{ converted_quantity(
            'ladder_runs.quantity_before',
            'ladder_prices.multiplier',
            'ladder_prices.divisor',
            'ladder_prices.convert_rounding',
            'ladder_prices.convert_decimals'
        ) }} as converted_before,
        {{ converted_quantity(
            'ladder_runs.quantity_after',
            'ladder_prices.multiplier',
            'ladder_prices.divisor',
            'ladder_prices.convert_rounding',
            'ladder_prices.convert_decimals'
        ) }} as converted_after,
        {{ converted_quantity(
            'ladder_runs.ladder_quantity',
            'ladder_prices.multiplier',
            'ladder_prices.divisor',
            'ladder_prices.convert_rounding',
            'ladder_prices.convert_decimals'
        ) }} as ladder_converted
    from ladder_runs
    inner join ladder_prices
        on
            ladder_runs.charge_price_id = ladder_prices.charge_price_id
            and ladder_runs.currency_code = ladder_prices.currency_code
    left join
        seats_periods
        on ladder_runs.ladder_run_id = seats_periods.ladder_run_id
    left join drawn on ladder_runs.ladder_run_id = drawn.ladder_run_id
    left join matched
        on
            ladder_runs.charge_price_id = matched.charge_price_id
            and ladder_runs.currency_code = matched.currency_code
            and ladder_runs.dimension_key = matched.dimension_key
),

{{ billable_quantities('converted') }},

tiered as (
    select
        run_quantities.*,
        tier_prices.tier_number,
        tier_prices.lower_quantity,
        tier_prices.upper_quantity,
        tier_prices.lower_bound,
        tier_prices.upper_bound,
        tier_prices.unit_price,
        tier_prices.price_units,
        tier_prices.flat_amount,
        tier_prices.flat_units,
        tier_prices.is_unpriced,
        case
            when event_fees.ladder_run_id is null then cast(0 as decimal(38, 9))
            else event_fees.tier_quantity
        end as event_quantity,
        coalesce(event_fees.event_count, 0) as paying_event_count
    from run_quantities
    inner join tier_prices
        on
            run_quantities.charge_price_id = tier_prices.charge_price_id
            and run_quantities.currency_code = tier_prices.currency_code
    left join event_fees
        on
            run_quantities.ladder_run_id = event_fees.ladder_run_id
            and tier_prices.tier_number = event_fees.tier_number
    where
        run_quantities.charge_model <> 'dimensional'
        or tier_prices.tier_number = run_quantities.matched_tier_number
),

-- The fixed amount of a percentage is due for each event, whatever the share of time.
-- A ladder that starts anew in its run has the run's share of its bounds and flat
-- amounts.
restarted as (
    select
        *,
        {% for bound in ['lower', 'upper'] -%}
        case
            when is_restarted then {{ prorated(
                bound ~ '_quantity', 9, 'time_units', 'cell_units'
            ) }}
            else {{ bound }}_quantity
        end as run_{{ bound }}_quantity,
        {% endfor -%}
        case
            when is_restarted and charge_model <> 'percentage'
                then {{ prorated('flat_amount', 12, 'time_units', 'cell_units') }}
            else flat_amount
        end as run_flat_amount
    from tiered
),

bounded as (
    select
        *,
        {% for bound in ['lower', 'upper'] -%}
        case
            when not is_restarted then {{ bound }}_bound
            when has_packages_on_the_total
                then {{ prorated(bound ~ '_bound', 9, 'time_units', 'cell_units') }}
            else cast({{ checked(
                'run_' ~ bound ~ '_quantity * billable_divisor'
            ) }} as decimal(38, 9))
        end as run_{{ bound }}_bound,
        {% endfor -%}
        case
            when is_restarted then {{ scaled_integer('run_flat_amount', 12) }}
            else flat_units
        end as run_flat_units
    from restarted
),

-- How much of a quantity each tier takes.
taken as (
    select
        *,
        case
            when has_quantity_before then cast(
                {{ tier_quantity(
                    'charge_model', 'billable_before', 'run_lower_bound', 'run_upper_bound'
                ) }}
                as decimal(38, 9)
            )
        end as taken_before,
        case
            when has_quantity_after then cast(
                {{ tier_quantity(
                    'charge_model', 'billable_after', 'run_lower_bound', 'run_upper_bound'
                ) }}
                as decimal(38, 9)
            )
        end as taken_after
    from bounded
),

begun as (
    select
        *,
        case
            when has_packages_per_tier
                then {{ scaled_integer('taken_before', 9) }}
        end as taken_before_units,
        case
            when has_packages_per_tier
                then {{ scaled_integer('taken_after', 9) }}
        end as taken_after_units
    from taken
),

counted as (
    select
        *,
        case
            when has_packages_per_tier
                then {{ checked(package_count(
                    'taken_before_units', 'package_size_units', 'package_rounding'
                )) }}
            else taken_before
        end as tier_quantity_before,
        case
            when has_packages_per_tier
                then {{ checked(package_count(
                    'taken_after_units', 'package_size_units', 'package_rounding'
                )) }}
            else taken_after
        end as tier_quantity_after
    from begun
),

-- What this run adds to each tier: the ladder at its end less the ladder at its start.
entered as (
    select
        *,
        case
            when looks_at_each_event then event_quantity
            when has_quantity_before then tier_quantity_after - tier_quantity_before
            else tier_quantity_after
        end as tier_quantity,
        case
            when looks_at_each_event then paying_event_count
            when charge_model = 'percentage'
                then {{ percentage_flat_count('valued_event_count') }}
            else
                case
                    when {{ tier_is_entered(
                        'charge_model',
                        'billable_after',
                        'run_lower_bound',
                        'run_upper_bound',
                        'tier_number',
                        'has_after'
                    ) }} then 1
                    else 0
                end
                - case
                    when
                        has_quantity_before
                        and {{ tier_is_entered(
                            'charge_model',
                            'billable_before',
                            'run_lower_bound',
                            'run_upper_bound',
                            'tier_number',
                            'has_before'
                        ) }} then 1
                    else 0
                end
        end as flat_count
    from counted
),

{{ tier_amounts('entered') }},

final as (
    select
        ladder_run_id,
        tier_number,
        run_lower_quantity as lower_quantity,
        run_upper_quantity as upper_quantity,
        {{ unscaled_quantity('tier_quantity', 'whole_divisor') }} as quantity,
        case when has_metered_quantity then tier_quantity end as metered_quantity,
        unit_price,
        is_unpriced,
        {{ checked('cast(flat_count * run_flat_amount as decimal(38, 12))') }}
            as flat_amount,
        converted_quantity,
        billable_quantity,
        period_length,
        cast(denominator as decimal(38, 0)) as denominator,
        cast(
            {{ limited_amount(checked(
                'shared_wholes + rest_units - case when rest < 0 then 1 else 0 end'
            )) }} as decimal(38, 0)
        ) as amount_units,
        cast(case when rest < 0 then rest + denominator else rest end as decimal(38, 0))
            as amount_rest
    from rested
)

select * from final
