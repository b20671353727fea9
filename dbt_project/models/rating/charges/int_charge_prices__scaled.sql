with charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

charge_tiers as (
    select * from {{ ref('stg_price_book__charge_tiers') }}
),

decimals as (
    select
        charges.*,
        greatest(
            {{ decimals_used('convert_multiply') }},
            {{ decimals_used('convert_divide') }}
        ) as conversion_decimals
    from charges
),

-- The conversion as a fraction of whole numbers.
fractions as (
    select
        charge_price_id,
        charge_id,
        contract_id,
        charge_model,
        convert_multiply,
        convert_divide,
        convert_rounding,
        convert_decimals,
        unit_label,
        package_rounding,
        package_counting,
        proration,
        free_quantity,
        zero_usage,
        rounding_mode,
        cast(
            {{ whole_quotient(
                scaled_integer('convert_multiply', 9),
                power_of_ten('9 - conversion_decimals')
            ) }} as decimal(38, 0)
        ) as multiplier,
        cast(
            {{ whole_quotient(
                scaled_integer('convert_divide', 9),
                power_of_ten('9 - conversion_decimals')
            ) }} as decimal(38, 0)
        ) as divisor
    from decimals
),

-- What a converted quantity, a billable one, and what a tier takes of it still have to
-- be divided by: packages are whole numbers from where they are counted on.
divisors as (
    select
        *,
        case when convert_rounding = 'none' then divisor else 1 end
            as converted_divisor,
        case
            when convert_rounding = 'none' and not {{ counts_packages_on_the_total() }}
                then divisor
            else 1
        end as billable_divisor,
        case
            when
                convert_rounding = 'none' and charge_model <> 'package'
                then divisor
            else 1
        end as priced_divisor
    from fractions
),

-- What a percentage price asks of each event.
event_terms as (
    select
        charge_price_id,
        currency_code,
        true as looks_at_each_event,
        max(free_events) as free_events,
        max(free_amount) as free_amount,
        max(case when event_bound = 'minimum' then flat_amount end)
            as minimum_per_event,
        max(case when event_bound = 'maximum' then flat_amount end)
            as maximum_per_event
    from charge_tiers
    where
        event_bound is not null
        or free_events is not null
        or free_amount is not null
    group by charge_price_id, currency_code
),

final as (
    select
        divisors.charge_price_id,
        charge_tiers.currency_code,
        charge_tiers.tier_number,
        divisors.charge_model,
        divisors.convert_multiply,
        divisors.convert_divide,
        divisors.convert_rounding,
        divisors.convert_decimals,
        divisors.unit_label,
        divisors.package_rounding,
        divisors.package_counting,
        divisors.proration,
        divisors.free_quantity,
        divisors.zero_usage,
        divisors.rounding_mode,
        divisors.multiplier,
        divisors.divisor,
        cast(divisors.converted_divisor as decimal(38, 0)) as converted_divisor,
        cast(divisors.billable_divisor as decimal(38, 0)) as billable_divisor,
        cast(divisors.priced_divisor as decimal(38, 0)) as priced_divisor,
        cast(
            {{ checked('divisors.free_quantity * divisors.converted_divisor') }}
            as decimal(38, 9)
        ) as scaled_free_quantity,
        cast(
            {{ checked('charge_tiers.package_size * divisors.converted_divisor') }}
            as decimal(38, 9)
        ) as scaled_package_size,
        charge_tiers.lower_quantity,
        charge_tiers.upper_quantity,
        -- A bound beyond 38 digits lies above every quantity that can be priced: as an
        -- upper bound it is open, as a lower bound it drops the tier.
        case
            when {{ counts_packages_on_the_total('divisors.') }}
                then {{ whole_packages(
                    'charge_tiers.lower_quantity', 'charge_tiers.package_size'
                ) }}
            else {{ checked(
                'cast(charge_tiers.lower_quantity * divisors.billable_divisor'
                ~ ' as decimal(38, 9))'
            ) }}
        end as lower_bound,
        case
            when {{ counts_packages_on_the_total('divisors.') }}
                then {{ whole_packages(
                    'charge_tiers.upper_quantity', 'charge_tiers.package_size'
                ) }}
            else {{ checked(
                'cast(charge_tiers.upper_quantity * divisors.billable_divisor'
                ~ ' as decimal(38, 9))'
            ) }}
        end as upper_bound,
        charge_tiers.unit_price,
        charge_tiers.flat_amount,
        charge_tiers.package_size,
        coalesce(charge_tiers.is_unpriced, false) as is_unpriced,
        event_terms.free_events,
        event_terms.free_amount,
        event_terms.minimum_per_event,
        event_terms.maximum_per_event,
        coalesce(event_terms.looks_at_each_event, false) as looks_at_each_event
    from divisors
    inner join charge_tiers on divisors.charge_price_id = charge_tiers.charge_price_id
    left join event_terms
        on
            charge_tiers.charge_price_id = event_terms.charge_price_id
            and charge_tiers.currency_code = event_terms.currency_code
)

select * from final
