{%- set of_last = [
    'contract_lineage_id',
    'contract_version',
    'contract_customer_id',
    'currency_code',
    'plan_id',
    'charge_price_id',
    'is_override',
    'cell_end_date',
    'reference_version',
] %}

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

tried_segments as (
    select * from {{ ref('int_charges__tried') }}
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

limited_segments as (
    select
        segments.*,
        tried_segments.contract_id is not null as is_tried,
        bool_and(tried_segments.contract_id is not null) over (
            partition by
                segments.contract_id,
                segments.charge_id,
                segments.cell_start_date
        ) as is_all_tried
    from cell_segments as segments
    inner join limits
        on
            segments.contract_id = limits.contract_id
            and segments.charge_id = limits.charge_id
            and segments.charge_price_id = limits.charge_price_id
            and segments.cell_start_date = limits.cell_start_date
    left join tried_segments
        on
            segments.contract_id = tried_segments.contract_id
            and segments.charge_id = tried_segments.charge_id
            and segments.service_start_at = tried_segments.service_start_at
),

-- The time for which a minimum is due, by who bills it.
parts as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        bill_to_customer_id,
        legal_entity_id,
        tax_profile,
        {% for column in of_last -%}
        max_by({{ column }}, service_start_at) as {{ column }},
        {% endfor -%}
        min(service_start_at) as service_start_at,
        max(service_end_at) as service_end_at,
        min(segment_start_date) as segment_start_date,
        max(segment_end_date) as segment_end_date,
        sum({{ microseconds_between('service_start_at', 'service_end_at') }})
            as part_time
    from limited_segments
    where is_all_tried or not is_tried
    group by
        contract_id,
        charge_id,
        cell_start_date,
        bill_to_customer_id,
        legal_entity_id,
        tax_profile
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

-- Amounts in minor units, and in 10^-12 before they were rounded.
parted as (
    select
        parts.*,
        due.charge_name,
        due.charge_model,
        due.product_id,
        due.erp_item,
        due.revenue_account,
        due.billing_timing,
        due.billing_period,
        due.is_due,
        due.minor_unit,
        due.minor_step,
        due.rounding_mode,
        due.exception_code,
        due.minimum_units,
        due.rounded_line_units,
        case
            when due.line_units < due.minimum_units
                then due.minimum_units - due.line_units
            when due.line_units >= due.minimum_units then 0
        end as missing_exactly,
        case
            when due.missing_units > 0
                then {{ whole_quotient('due.missing_units', 'due.minor_step') }}
            when due.missing_units <= 0 then 0
        end as missing_minor_units,
        cast(sum(parts.part_time) over charge_cell as {{ whole_number() }})
            as whole_time,
        count(*) over charge_cell as part_count,
        row_number() over (
            partition by parts.contract_id, parts.charge_id, parts.cell_start_date
            order by parts.service_start_at
        ) as part_number
    from due
    inner join parts
        on
            due.contract_id = parts.contract_id
            and due.charge_id = parts.charge_id
            and due.cell_start_date = parts.cell_start_date
    where due.exception_code is not null or due.missing_units > 0
    window charge_cell as (
        partition by parts.contract_id, parts.charge_id, parts.cell_start_date
    )
),

{{ in_shares(
    'parted',
    [
        ['missing_exactly', 'part_time', 'whole_time', 'exact'],
        ['missing_minor_units', 'part_time', 'whole_time', 'minor'],
    ],
    'contract_id, charge_id, cell_start_date',
    'part_number',
    'shared'
) }},

final as (
    select
        contract_id,
        contract_lineage_id,
        contract_version,
        contract_customer_id as customer_id,
        bill_to_customer_id,
        legal_entity_id,
        currency_code,
        tax_profile,
        plan_id,
        charge_id,
        charge_name,
        charge_model,
        charge_price_id,
        is_override,
        product_id,
        erp_item,
        revenue_account,
        'minimum' as line_kind,
        billing_timing,
        billing_period,
        is_due,
        cell_start_date,
        cell_end_date,
        segment_start_date,
        segment_end_date,
        service_start_at,
        service_end_at,
        minor_unit,
        rounding_mode,
        case when exception_code is not null then 'depends_on_held' end
            as exception_code,
        {{ from_scaled_integer('minimum_units', 12) }} as threshold_amount,
        {{ from_scaled_integer(
            whole_quotient('rounded_line_units', '100000000'), 4
        ) }} as covered_amount,
        case
            when part_count > 1
                then {{ from_scaled_integer(
                    'missing_minor_units * ' ~ power_of_ten('4 - minor_unit'), 4
                ) | indent(16) }}
        end as shared_amount,
        case when part_count > 1 then 'time' end as weighed_by,
        cast(case when part_count > 1 then part_time end as decimal(38, 0))
            as line_weight,
        cast(case when part_count > 1 then whole_time end as decimal(38, 0))
            as run_weight,
        {{ from_scaled_integer('exact_share', 12) }} as amount_unrounded,
        {{ from_scaled_integer(
            'minor_share * ' ~ power_of_ten('4 - minor_unit'), 4
        ) }} as computed_amount,
        reference_version
    from shared
)

select * from final
