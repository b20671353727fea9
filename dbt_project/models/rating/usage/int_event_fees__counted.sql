with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
    where charge_model = 'percentage'
),

run_months as (
    select * from {{ ref('int_charge_months__listed') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where looks_at_each_event and tier_number = 1
),

bound_tiers as (
    select * from {{ ref('stg_price_book__charge_tiers') }}
    where event_bound is not null
),

kept_events as (
    select * from {{ ref('int_usage__kept_events') }}
    where contract_id is not null
),

-- Ladders that meet a price of single events; they may meet other prices before it.
looked_at as (
    select distinct ladder_runs.ladder_key
    from ladder_runs
    inner join prices
        on
            ladder_runs.charge_price_id = prices.charge_price_id
            and ladder_runs.currency_code = prices.currency_code
),

-- A pool climbs one ladder with the events of all its children.
placed as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        kept_events.event_at,
        kept_events.event_at_nanos,
        kept_events.event_source,
        kept_events.event_id,
        kept_events.quantity,
        prices.*
    from ladder_runs
    inner join looked_at on ladder_runs.ladder_key = looked_at.ladder_key
    left join prices
        on
            ladder_runs.charge_price_id = prices.charge_price_id
            and ladder_runs.currency_code = prices.currency_code
    inner join run_months
        on
            ladder_runs.contract_id = run_months.contract_id
            and ladder_runs.charge_id = run_months.charge_id
            and ladder_runs.run_start_at = run_months.run_start_at
    inner join kept_events
        on
            ladder_runs.contract_id = kept_events.contract_id
            and ladder_runs.meter_id = kept_events.meter_id
            and (
                ladder_runs.is_pooled
                or ladder_runs.customer_id = kept_events.customer_id
            )
            and ladder_runs.dimension_key = kept_events.dimension_key
            and run_months.usage_month
            = {{ month_number('kept_events.local_date') }}
            and run_months.run_start_at <= kept_events.event_at
            and run_months.run_end_at > kept_events.event_at
),

-- What is free is the first of a cell, also where its price changes.
ordered as (
    select
        *,
        row_number() over (
            partition by ladder_key
            order by event_at, event_at_nanos, event_source, event_id
        ) as event_number,
        {{ limited_sum('quantity') }} over (
            partition by ladder_key
            order by event_at, event_at_nanos, event_source, event_id
            rows between unbounded preceding and current row
        ) as quantity_after
    from placed
),

converted as (
    select
        *,
        cast(converted_divisor as {{ whole_number() }}) as whole_divisor,
        {{ checked('quantity * multiplier') }} as converted_quantity,
        {{ checked('quantity_after * multiplier') }} as converted_after,
        {{ checked('cast(free_amount * converted_divisor as decimal(38, 9))') }}
            as converted_free
    from ordered
    where looks_at_each_event
),

paying as (
    select
        *,
        {{ percentage_paying_quantity(
            'converted_quantity', 'converted_after', 'free_amount', 'converted_free'
        ) }} as paying_quantity
    from converted
),

split as (
    select
        *,
        {{ percentage_event_pays(
            'event_number', 'free_events', 'paying_quantity', 'free_amount'
        ) }} as is_paying,
        cast(floor(paying_quantity) as {{ whole_number() }}) as whole_quantity,
        cast(
            (paying_quantity - floor(paying_quantity)) * 1000000000
            as {{ whole_number() }}
        ) as fraction_quantity,
        {{ scaled_integer('unit_price', 12) }} as rate_units,
        {{ scaled_integer('flat_amount', 12) }} as fixed_units,
        {{ scaled_integer('minimum_per_event', 12) }} as minimum_units,
        {{ scaled_integer('maximum_per_event', 12) }} as maximum_units
    from paying
),

-- The part of a fee that is smaller than a whole price of a unit.
parted as (
    select
        *,
        {{ checked(
            '(' ~ floor_remainder('whole_quantity', 'whole_divisor')
            ~ ' * 1000000000 + fraction_quantity) * rate_units'
        ) }} as rest_units
    from split
),

-- A fee in whole units of 10^-12, and whether a part of one is left over.
priced as (
    select
        *,
        {{ checked(
            floor_quotient('whole_quantity', 'whole_divisor') ~ ' * rate_units + '
            ~ floor_quotient('rest_units', '(whole_divisor * 1000000000)')
            ~ ' + fixed_units'
        ) }} as fee_units,
        {{ floor_remainder('rest_units', '(whole_divisor * 1000000000)') }} > 0
            as has_rest
    from parted
),

bounded as (
    select
        ladder_run_id,
        charge_price_id,
        currency_code,
        paying_quantity,
        fee_units is null as is_beyond_limit,
        {{ percentage_event_bound(
            'fee_units', 'has_rest', 'minimum_units', 'maximum_units'
        ) }} as event_bound
    from priced
    where is_paying or fee_units is null
),

numbered as (
    select
        bounded.ladder_run_id,
        coalesce(bound_tiers.tier_number, 1) as tier_number,
        case when bounded.event_bound is null then bounded.paying_quantity else 0 end
            as tier_quantity,
        bounded.is_beyond_limit
    from bounded
    left join bound_tiers
        on
            bounded.charge_price_id = bound_tiers.charge_price_id
            and bounded.currency_code = bound_tiers.currency_code
            and bounded.event_bound = bound_tiers.event_bound
),

final as (
    select
        ladder_run_id,
        tier_number,
        cast(
            case
                when
                    not bool_or(is_beyond_limit)
                    and not {{ any_beyond_limit('tier_quantity') }}
                    then {{ limited_sum('tier_quantity') }}
            end as decimal(38, 9)
        ) as tier_quantity,
        count(*) as event_count
    from numbered
    group by ladder_run_id, tier_number
)

select * from final
