{#- What leads to the amount of a charge, to that of a contract term, and to either. -#}
{%- set charge_steps = {
    'percentile': 'decimal(38, 9)',
    'window_unit': 'varchar',
    'window_aggregation': 'varchar',
    'quantity_before': 'decimal(38, 9)',
    'converted_quantity': 'decimal(38, 9)',
    'included_quantity': 'decimal(38, 9)',
    'period_length': 'bigint',
    'share_units': 'bigint',
    'share_of_units': 'bigint',
    'share_unit': 'varchar',
    'discount_steps': 'varchar',
    'rounding_mode': 'varchar',
} -%}
{%- set term_steps = {
    'threshold_amount': 'decimal(38, 4)',
    'covered_amount': 'decimal(38, 4)',
    'shared_amount': 'decimal(38, 4)',
    'overage_factor': 'decimal(38, 12)',
} -%}
{%- set share_steps = ['weighed_by', 'line_weight', 'run_weight'] -%}
{%- set no_charge_steps = [] -%}
{%- for step, data_type in charge_steps.items() -%}
{%- do no_charge_steps.append('cast(null as ' ~ data_type ~ ') as ' ~ step) -%}
{%- endfor -%}
{#- A line of a charge has a number until here. -#}
{%- set charge_columns = [] -%}
{%- for column in rated_line_columns() -%}
{%- if column == 'rated_line_id' -%}
{%- do charge_columns.append(content_number_text(column) ~ ' as ' ~ column) -%}
{%- else -%}
{%- do charge_columns.append(column) -%}
{%- endif -%}
{%- endfor -%}
{%- set no_term_steps = [] -%}
{%- for step, data_type in term_steps.items() -%}
{%- do no_term_steps.append('cast(null as ' ~ data_type ~ ') as ' ~ step) -%}
{%- endfor -%}

with rounded as (
    select * from {{ ref('int_charges__rounded') }}
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

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

term_lines as (
    select * from {{ ref('int_term_lines__identified') }}
),

described as (
    select
        rounded.*,
        coalesce(rounded.billable_quantity, 0) as priced_quantity,
        segments.contract_lineage_id,
        segments.contract_version,
        segments.bill_to_customer_id,
        segments.legal_entity_id,
        segments.tax_profile,
        segments.plan_id,
        segments.is_override,
        segments.cell_end_date,
        segments.segment_start_date,
        segments.segment_end_date,
        segments.service_end_at,
        segments.reference_version,
        charges.charge_name,
        charges.charge_model,
        run_charges.meter_id,
        run_charges.billing_timing,
        {{ line_kind('run_charges.charge_model') }} as line_kind,
        {{ share_unit(
            'run_charges.charge_model', 'rounded.is_additive', 'run_charges.proration'
        ) | indent(8) }} as share_unit,
        products.product_id,
        products.erp_item,
        products.revenue_account,
        meters.unit,
        meters.aggregation,
        meters.percentile,
        meters.window_unit,
        meters.window_aggregation,
        case
            when charges.charge_model = 'flat' then 'fee'
            else coalesce(prices.unit_label, meters.unit)
        end as unit_label
    from rounded
    inner join segments
        on
            rounded.contract_id = segments.contract_id
            and rounded.charge_id = segments.charge_id
            and rounded.service_start_at = segments.service_start_at
    inner join charges on segments.list_charge_price_id = charges.charge_price_id
    inner join run_charges on rounded.charge_price_id = run_charges.charge_price_id
    left join meters on run_charges.meter_id = meters.meter_id
    left join products on charges.product_id = products.product_id
    left join prices
        on
            rounded.charge_price_id = prices.charge_price_id
            and rounded.currency_code = prices.currency_code
),

charge_lines as (
    select
        *,
        {{ settlement_key() }} as settlement_key
    from described
),

lines as (
    select
        {{ charge_columns | join(',\n        ') }},
        {{ share_steps | join(',\n        ') }},
        {{ charge_steps | join(',\n        ') }},
        {{ no_term_steps | join(',\n        ') }}
    from charge_lines
    union all
    select
        {{ rated_line_columns() | join(',\n        ') }},
        {{ share_steps | join(',\n        ') }},
        {{ no_charge_steps | join(',\n        ') }},
        {{ term_steps | join(',\n        ') }}
    from term_lines
),

-- Held lines keep what was computed; only what is known is an amount.
final as (
    select
        {{ rated_line_columns() | join(',\n        ') }},
        {{ share_steps | join(',\n        ') }},
        {{ charge_steps | join(',\n        ') }},
        {{ term_steps | join(',\n        ') }},
        case when exception_code is null then computed_amount end as amount,
        case
            when exception_code is not null then 'unknown'
            when computed_amount = 0 then 'proven_zero'
            else 'amount'
        end as rating_status,
        {{ engine_version() }} as engine_version
    from lines
)

select * from final
