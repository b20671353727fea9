{#- What a line has of its run, and where the run has it. Alone, it has it all. -#}
{%- set run_figures = {
    'customer_id': 'ladder_runs.customer_id',
    'ladder_line_number': '1',
    'quantity': 'ladder_runs.quantity',
    'converted_quantity': 'priced.converted_quantity',
    'billable_quantity': 'priced.billable_quantity',
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

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

drawn as (
    select * from {{ ref('int_allowances__drawn') }}
),

described_runs as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        ladder_runs.line_kind,
        ladder_runs.meter_id,
        ladder_runs.is_additive,
        ladder_runs.dimension_key,
        ladder_runs.billing_timing,
        ladder_runs.billing_period,
        ladder_runs.is_due,
        ladder_runs.charge_id,
        ladder_runs.quantity_before,
        ladder_runs.share_unit,
        ladder_runs.share_of_units,
        priced.period_length,
        priced.minor_unit,
        priced.rounding_mode,
        priced.exception_code as run_exception_code,
        {% for column, of_run in run_figures.items() -%}
        {{ of_run }} as run_{{ column }},
        {% endfor -%}
        segments.contract_id,
        segments.contract_lineage_id,
        segments.contract_version,
        segments.bill_to_customer_id,
        segments.legal_entity_id,
        segments.currency_code,
        segments.tax_profile,
        segments.plan_id,
        segments.charge_price_id,
        segments.is_override,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.segment_start_date,
        segments.segment_end_date,
        segments.service_start_at,
        segments.service_end_at,
        segments.reference_version,
        charges.charge_name,
        charges.charge_model,
        products.product_id,
        products.erp_item,
        products.revenue_account,
        meters.unit,
        meters.aggregation,
        meters.percentile,
        meters.window_unit,
        meters.window_aggregation
    from ladder_runs
    inner join priced on ladder_runs.ladder_run_id = priced.ladder_run_id
    inner join segments
        on
            ladder_runs.contract_id = segments.contract_id
            and ladder_runs.charge_id = segments.charge_id
            and ladder_runs.cell_start_date = segments.cell_start_date
            and ladder_runs.run_number = segments.run_number
    inner join charges on segments.list_charge_price_id = charges.charge_price_id
    left join meters on ladder_runs.meter_id = meters.meter_id
    left join products on charges.product_id = products.product_id
),

-- What few lines have is joined last, to a relation of its own: an engine that expects
-- few lines of it would turn all other joins round.
lined as (
    select
        runs.*,
        shared.weighed_by,
        {% for column in run_figures -%}
        case
            when shared.ladder_run_id is null then runs.run_{{ column }}
            else shared.{{ column }}
        end as {{ column }},
        {% endfor -%}
        case
            when shared.ladder_run_id is null then drawn.included_quantity
            else shared.included_quantity
        end as included_quantity
    from described_runs as runs
    left join drawn on runs.ladder_run_id = drawn.ladder_run_id
    left join shared
        on
            runs.ladder_run_id = shared.ladder_run_id
            and runs.service_start_at = shared.service_start_at
    where coalesce(shared.is_charged, true)
),

identified as (
    select
        *,
        {{ settlement_key() }} as settlement_key
    from lined
),

final as (
    select
        {{ content_id(['settlement_key', 'contract_id', 'service_start_at']) }}
            as rated_line_id,
        settlement_key,
        ladder_key,
        ladder_run_id,
        ladder_line_number,
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id,
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
        line_kind,
        meter_id,
        is_additive,
        unit,
        aggregation,
        percentile,
        window_unit,
        window_aggregation,
        dimension_key,
        billing_timing,
        billing_period,
        is_due,
        cell_start_date,
        cell_end_date,
        segment_start_date,
        segment_end_date,
        service_start_at,
        service_end_at,
        quantity,
        quantity_before,
        converted_quantity,
        billable_quantity,
        included_quantity,
        period_length,
        share_unit,
        share_units,
        share_of_units,
        line_weight,
        run_weight,
        weighed_by,
        gross_units,
        minor_unit,
        rounding_mode,
        run_exception_code,
        event_count,
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at,
        reference_version
    from identified
)

select * from final
