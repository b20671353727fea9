{#- What leads to the amount of a charge, and to that of a contract term. -#}
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
    'weighed_by': 'varchar',
    'line_weight': 'decimal(38, 0)',
    'run_weight': 'decimal(38, 0)',
    'discount_steps': 'varchar',
    'rounding_mode': 'varchar',
} -%}
{%- set term_steps = {
    'threshold_amount': 'decimal(38, 4)',
    'covered_amount': 'decimal(38, 4)',
    'overage_factor': 'decimal(38, 12)',
} -%}
{%- set no_charge_steps = [] -%}
{%- for step, data_type in charge_steps.items() -%}
{%- do no_charge_steps.append('cast(null as ' ~ data_type ~ ') as ' ~ step) -%}
{%- endfor -%}
{%- set no_term_steps = [] -%}
{%- for step, data_type in term_steps.items() -%}
{%- do no_term_steps.append('cast(null as ' ~ data_type ~ ') as ' ~ step) -%}
{%- endfor -%}

with allocated as (
    select * from {{ ref('int_charges__allocated') }}
),

rounded as (
    select * from {{ ref('int_charges__rounded') }}
),

prices as (
    select * from {{ ref('int_charge_prices__scaled') }}
    where tier_number = 1
),

term_lines as (
    select * from {{ ref('int_term_lines__identified') }}
),

charge_lines as (
    select
        allocated.*,
        coalesce(allocated.billable_quantity, 0) as priced_quantity,
        case
            when allocated.charge_model = 'flat' then 'fee'
            else coalesce(prices.unit_label, allocated.unit)
        end as unit_label,
        rounded.gross_amount,
        rounded.discount_amount,
        rounded.above_maximum_amount,
        rounded.amount_unrounded,
        rounded.computed_amount,
        rounded.exception_code,
        rounded.discount_steps
    from allocated
    inner join rounded on allocated.rated_line_id = rounded.rated_line_id
    left join prices
        on
            allocated.charge_price_id = prices.charge_price_id
            and allocated.currency_code = prices.currency_code
),

lines as (
    select
        {{ rated_line_columns() | join(',\n        ') }},
        {{ charge_steps | join(',\n        ') }},
        {{ no_term_steps | join(',\n        ') }}
    from charge_lines
    union all
    select
        {{ rated_line_columns() | join(',\n        ') }},
        {{ no_charge_steps | join(',\n        ') }},
        {{ term_steps | join(',\n        ') }}
    from term_lines
),

-- Held lines keep what was computed; only what is known is an amount.
final as (
    select
        {{ rated_line_columns() | join(',\n        ') }},
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
