with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
    where meter_id is not null
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
),

terms as (
    select * from {{ ref('int_terms__celled') }}
    where term_kind in ('allowance', 'discount_free_quantity')
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

conversions as (
    select distinct
        charge_price_id,
        currency_code,
        multiplier,
        divisor,
        converted_divisor,
        convert_rounding,
        convert_decimals
    from prices
),

-- Only what a term may include is looked at.
covered_charges as (
    select distinct
        terms.contract_id,
        terms.cell_start_date,
        term_charges.charge_id
    from terms
    inner join term_charges on terms.term_id = term_charges.term_id
),

converted as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        ladder_runs.contract_id,
        ladder_runs.charge_id,
        ladder_runs.cell_start_date,
        ladder_runs.customer_id,
        ladder_runs.dimension_key,
        ladder_runs.ladder_run_number,
        ladder_runs.is_additive,
        ladder_runs.is_continued,
        conversions.converted_divisor,
        {{ converted_quantity(
            'ladder_runs.quantity_before',
            'conversions.multiplier',
            'conversions.divisor',
            'conversions.convert_rounding',
            'conversions.convert_decimals'
        ) }} as converted_before,
        {{ converted_quantity(
            'ladder_runs.quantity_after',
            'conversions.multiplier',
            'conversions.divisor',
            'conversions.convert_rounding',
            'conversions.convert_decimals'
        ) }} as converted_after
    from ladder_runs
    inner join covered_charges
        on
            ladder_runs.contract_id = covered_charges.contract_id
            and ladder_runs.charge_id = covered_charges.charge_id
            and ladder_runs.cell_start_date = covered_charges.cell_start_date
    inner join conversions
        on
            ladder_runs.charge_price_id = conversions.charge_price_id
            and ladder_runs.currency_code = conversions.currency_code
),

measured as (
    select
        *,
        converted_after - coalesce(converted_before, {{ zero_quantity() }})
            as converted_quantity
    from converted
),

run_demands as (
    select
        *,
        greatest(
            coalesce(
                {{ unscaled_quantity('converted_quantity', 'converted_divisor') }},
                {{ zero_quantity() }}
            ),
            {{ zero_quantity() }}
        ) as demanded_quantity
    from measured
),

-- A level needs units once, however many prices it meets in its cell.
final as (
    select
        ladder_run_id,
        ladder_key,
        contract_id,
        charge_id,
        cell_start_date,
        customer_id,
        dimension_key,
        ladder_run_number,
        is_additive,
        is_continued,
        cast(demanded_quantity as decimal(38, 9)) as demanded_quantity,
        cast(
            case
                when is_additive then sum(demanded_quantity) over ladder
                else max(demanded_quantity) over ladder
            end as decimal(38, 9)
        ) as ladder_demand
    from run_demands
    window ladder as (partition by ladder_key)
)

select * from final
