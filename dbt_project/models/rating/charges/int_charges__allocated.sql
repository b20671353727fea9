{{ config(materialized='view') }}

{#- What a line has of its run, and where the run has it. Alone, it has it all. -#}
{%- set run_figures = {
    'rated_line_id': 'ladder_runs.ladder_run_id',
    'service_start_at': 'ladder_runs.run_start_at',
    'customer_id': 'ladder_runs.customer_id',
    'quantity': 'ladder_runs.quantity',
    'converted_quantity': 'priced.converted_quantity',
    'billable_quantity': 'priced.billable_quantity',
    'included_quantity': 'drawn.included_quantity',
    'share_units': 'ladder_runs.share_units',
    'line_weight': 'cast(1 as decimal(38, 0))',
    'run_weight': 'cast(1 as decimal(38, 0))',
    'gross_units': 'priced.gross_units',
    'event_count': 'ladder_runs.event_count',
    'digest_sum_1': 'ladder_runs.digest_sum_1',
    'digest_sum_2': 'ladder_runs.digest_sum_2',
    'first_event_at': 'ladder_runs.first_event_at',
    'last_event_at': 'ladder_runs.last_event_at',
} %}

with ladder_runs as (
    select * from {{ ref('int_charges__quantified') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

shared as (
    select * from {{ ref('int_charges__shared') }}
),

drawn as (
    select * from {{ ref('int_allowances__drawn') }}
),

final as (
    select
        {% for column, of_run in run_figures.items() -%}
        case
            when shared.ladder_run_id is null then {{ of_run }}
            else shared.{{ column }}
        end as {{ column }},
        {% endfor -%}
        shared.weighed_by,
        ladder_runs.ladder_run_id,
        ladder_runs.contract_id,
        ladder_runs.charge_id,
        ladder_runs.charge_price_id,
        ladder_runs.currency_code,
        ladder_runs.is_additive,
        ladder_runs.dimension_key,
        ladder_runs.billing_period,
        ladder_runs.is_due,
        ladder_runs.cell_start_date,
        ladder_runs.quantity_before,
        ladder_runs.share_of_units,
        priced.period_length,
        priced.minor_unit,
        priced.rounding_mode,
        priced.tier_count,
        priced.has_rests,
        priced.exception_code as run_exception_code
    from ladder_runs
    inner join priced on ladder_runs.ladder_run_id = priced.ladder_run_id
    left join drawn on ladder_runs.ladder_run_id = drawn.ladder_run_id
    left join shared on ladder_runs.ladder_run_id = shared.ladder_run_id
    where coalesce(shared.is_charged, true)
)

select * from final
