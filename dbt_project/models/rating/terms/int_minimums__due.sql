with lines as (
    select * from {{ ref('int_charges__rounded') }}
),

limits as (
    select * from {{ ref('int_charges__limited') }}
    where has_minimum
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

run_charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

-- The minimum is due for its time, whether or not there is a line in it.
cell_minimums as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        min(minimum_units) as minimum_units
    from limits
    group by contract_id, charge_id, cell_start_date
),

cell_segments as (
    select
        segments.*,
        cell_minimums.minimum_units
    from cell_minimums
    inner join segments
        on
            cell_minimums.contract_id = segments.contract_id
            and cell_minimums.charge_id = segments.charge_id
            and cell_minimums.cell_start_date = segments.cell_start_date
),

-- The last segment in a cell says who is billed for what is missing.
last_segments as (
    select
        segments.*,
        row_number() over (
            partition by
                segments.contract_id,
                segments.charge_id,
                segments.cell_start_date
            order by segments.service_start_at desc
        ) as number_from_last,
        min(segments.service_start_at) over limited_segments as limited_from_at,
        min(segments.segment_start_date) over limited_segments as limited_from_date
    from cell_segments as segments
    inner join limits
        on
            segments.contract_id = limits.contract_id
            and segments.charge_id = limits.charge_id
            and segments.charge_price_id = limits.charge_price_id
            and segments.cell_start_date = limits.cell_start_date
    window limited_segments as (
        partition by segments.contract_id, segments.charge_id, segments.cell_start_date
    )
),

limited_lines as (
    select
        lines.*,
        segments.minimum_units,
        run_charges.billing_timing,
        charges.charge_name,
        charges.charge_model,
        products.product_id,
        products.erp_item,
        products.revenue_account,
        limits.contract_id is not null as is_limited
    from cell_segments as segments
    inner join lines
        on
            segments.contract_id = lines.contract_id
            and segments.charge_id = lines.charge_id
            and segments.service_start_at = lines.service_start_at
    inner join charges on segments.list_charge_price_id = charges.charge_price_id
    inner join run_charges on lines.charge_price_id = run_charges.charge_price_id
    left join products on charges.product_id = products.product_id
    left join limits
        on
            segments.contract_id = limits.contract_id
            and segments.charge_id = limits.charge_id
            and segments.charge_price_id = limits.charge_price_id
            and segments.cell_start_date = limits.cell_start_date
),

sums as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        cast(min(minimum_units) as {{ whole_number() }}) as minimum_units,
        min(charge_name) as charge_name,
        min(charge_model) as charge_model,
        min(product_id) as product_id,
        min(erp_item) as erp_item,
        min(revenue_account) as revenue_account,
        min(billing_timing) as billing_timing,
        min(billing_period) as billing_period,
        bool_or(is_due) as is_due,
        min(minor_unit) as minor_unit,
        min(rounding_mode) as rounding_mode,
        min(exception_code) as exception_code,
        sum(
            case
                when is_limited
                    then {{ scaled_integer('amount_unrounded', 12) }}
                else 0
            end
        ) as line_units,
        case
            when
                count(case when is_limited then 1 end)
                = count(case when is_limited then computed_amount end)
                then
                    sum(
                        case
                            when is_limited
                                then {{ scaled_integer('computed_amount', 4) }}
                            else 0
                        end
                    ) * 100000000
        end as rounded_line_units
    from limited_lines
    group by
        contract_id,
        charge_id,
        cell_start_date
),

missing as (
    select
        *,
        {{ power_of_ten('12 - minor_unit') }} as minor_step
    from sums
    where exception_code is not null or line_units < minimum_units
),

-- What is missing to the rounded minimum, so that the charge comes to it exactly.
due as (
    select
        *,
        {{ rounded_quotient('minimum_units', 'minor_step', 'rounding_mode') }}
        * minor_step - rounded_line_units as missing_units
    from missing
),

final as (
    select
        due.contract_id,
        last_segments.contract_lineage_id,
        last_segments.contract_version,
        last_segments.contract_customer_id as customer_id,
        last_segments.bill_to_customer_id,
        last_segments.legal_entity_id,
        last_segments.currency_code,
        last_segments.tax_profile,
        last_segments.plan_id,
        due.charge_id,
        due.charge_name,
        due.charge_model,
        last_segments.charge_price_id,
        last_segments.is_override,
        due.product_id,
        due.erp_item,
        due.revenue_account,
        'minimum' as line_kind,
        due.billing_timing,
        due.billing_period,
        due.is_due,
        last_segments.cell_start_date,
        last_segments.cell_end_date,
        last_segments.limited_from_date as segment_start_date,
        last_segments.segment_end_date,
        last_segments.limited_from_at as service_start_at,
        last_segments.service_end_at,
        due.minor_unit,
        due.rounding_mode,
        case when due.exception_code is not null then 'depends_on_held' end
            as exception_code,
        {{ from_scaled_integer('due.minimum_units', 12) }} as threshold_amount,
        {{ from_scaled_integer(
            whole_quotient('due.rounded_line_units', '100000000'), 4
        ) }}
            as covered_amount,
        {{ from_scaled_integer('due.minimum_units - due.line_units', 12) }}
            as amount_unrounded,
        {{ from_scaled_integer(whole_quotient('due.missing_units', '100000000'), 4) }}
            as computed_amount,
        last_segments.reference_version
    from due
    inner join last_segments
        on
            due.contract_id = last_segments.contract_id
            and due.charge_id = last_segments.charge_id
            and due.cell_start_date = last_segments.cell_start_date
            and last_segments.number_from_last = 1
    where due.exception_code is not null or due.missing_units > 0
)

select * from final
