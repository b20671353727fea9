with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where lower_bound is not null
),

converted as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.share_units,
        ladder_runs.share_of_units,
        ladder_runs.quantity_before is not null as has_quantity_before,
        prices.*,
        {{ converted_quantity(
            'ladder_runs.quantity_before',
            'prices.multiplier',
            'prices.divisor',
            'prices.convert_rounding',
            'prices.convert_decimals'
        ) }} as converted_before,
        {{ converted_quantity(
            'ladder_runs.quantity_after',
            'prices.multiplier',
            'prices.divisor',
            'prices.convert_rounding',
            'prices.convert_decimals'
        ) }} as converted_after
    from ladder_runs
    inner join prices
        on
            ladder_runs.charge_price_id = prices.charge_price_id
            and ladder_runs.currency_code = prices.currency_code
),

-- Zero usage is a matter of the converted quantity, before free units come off.
allowed as (
    select
        *,
        converted_before <> 0 or zero_usage = 'charge' as has_before,
        converted_after <> 0 or zero_usage = 'charge' as has_after,
        {{ billable_quantity('converted_before', 'scaled_free_quantity') }}
            as allowed_before,
        {{ billable_quantity('converted_after', 'scaled_free_quantity') }}
            as allowed_after
    from converted
),

billable as (
    select
        *,
        case
            when charge_model = 'package'
                then {{ checked(
                    package_count('allowed_before', 'scaled_package_size', 'package_rounding')
                ) }}
            else allowed_before
        end as billable_before,
        case
            when charge_model = 'package'
                then {{ checked(
                    package_count('allowed_after', 'scaled_package_size', 'package_rounding')
                ) }}
            else allowed_after
        end as billable_after
    from allowed
),

-- What this run adds to each tier: the ladder at its end less the ladder at its start.
tiered as (
    select
        *,
        cast(
            {{ tier_quantity(
                'charge_model', 'billable_after', 'lower_bound', 'upper_bound'
            ) }}
            as decimal(38, 9)
        )
        - case
            when has_quantity_before
                then cast(
                    {{ tier_quantity(
                        'charge_model', 'billable_before', 'lower_bound', 'upper_bound'
                    ) }}
                    as decimal(38, 9)
                )
            else 0
        end as tier_quantity,
        case
            when {{ tier_is_entered(
                'charge_model',
                'billable_after',
                'lower_bound',
                'upper_bound',
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
                    'lower_bound',
                    'upper_bound',
                    'tier_number',
                    'has_before'
                ) }} then 1
            else 0
        end as flat_count
    from billable
),

-- Whole numbers: quantity = whole × divisor + rest ÷ 10^9, prices in units of 10^-12.
split as (
    select
        *,
        cast(priced_divisor as {{ whole_number() }}) as whole_divisor,
        cast(floor(tier_quantity) as {{ whole_number() }}) as whole_quantity,
        cast(
            (tier_quantity - floor(tier_quantity)) * 1000000000 as {{ whole_number() }}
        ) as fraction_quantity,
        {{ scaled_integer('unit_price', 12) }} as price_units,
        {{ scaled_integer('flat_amount', 12) }} as flat_units
    from tiered
    where
        tier_number = 1
        or tier_quantity is null
        or tier_quantity <> 0
        or flat_count <> 0
),

divided as (
    select
        *,
        {{ floor_quotient('whole_quantity', 'whole_divisor') }} as priced_wholes,
        {{ floor_remainder('whole_quantity', 'whole_divisor') }} * 1000000000
        + fraction_quantity as priced_rest,
        {{ limited_amount(checked('whole_divisor * 1000000000 * share_of_units')) }}
            as denominator
    from split
),

multiplied as (
    select
        *,
        {{ checked(
            '(priced_wholes * price_units + flat_count * flat_units) * share_units'
        ) }} as whole_amount,
        {{ checked('priced_rest * price_units * share_units') }} as rest_amount
    from divided
),

-- amount × share_of_units = whole_amount + rest_amount ÷ (divisor × 10^9), still exact.
shared as (
    select
        *,
        {{ floor_quotient('whole_amount', 'share_of_units') }} as shared_wholes,
        {{ checked(
            floor_remainder('whole_amount', 'share_of_units')
            ~ ' * (whole_divisor * 1000000000) + rest_amount'
        ) }} as shared_rest
    from multiplied
),

final as (
    select
        ladder_run_id,
        tier_number,
        lower_quantity,
        upper_quantity,
        {{ unscaled_quantity('tier_quantity', 'priced_divisor') }} as quantity,
        case
            when
                multiplier = 1
                and convert_rounding = 'none'
                and charge_model <> 'package'
                then tier_quantity
        end as metered_quantity,
        unit_price,
        cast(flat_count * flat_amount as decimal(38, 12)) as flat_amount,
        {{ unscaled_quantity(
            'converted_after - coalesce(converted_before, 0)', 'converted_divisor'
        ) }} as converted_quantity,
        {{ unscaled_quantity(
            'billable_after - coalesce(billable_before, 0)', 'priced_divisor'
        ) }} as billable_quantity,
        cast(denominator as decimal(38, 0)) as denominator,
        cast(
            {{ limited_amount(
                checked('shared_wholes + ' ~ floor_quotient('shared_rest', 'denominator'))
            ) }} as decimal(38, 0)
        ) as amount_units,
        cast({{ floor_remainder('shared_rest', 'denominator') }} as decimal(38, 0))
            as amount_rest
    from shared
)

select * from final
