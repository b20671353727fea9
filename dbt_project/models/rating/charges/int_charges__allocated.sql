with quantified as (
    select * from {{ ref('int_charges__quantified') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

-- A run without usage is asked for what a cell without usage costs; where that is
-- nothing, only the first one is a line, and only in a cell without usage.
counted_runs as (
    select
        quantified.*,
        coalesce(priced.gross_units = 0, false) as is_free,
        sum(quantified.event_count) over (
            partition by quantified.ladder_key
        ) as ladder_event_count
    from quantified
    inner join priced on quantified.ladder_run_id = priced.ladder_run_id
),

ladder_runs as (
    select * from counted_runs
    where
        not is_additive
        or event_count > 0
        or quantity <> 0
        or not is_free
        or (ladder_event_count = 0 and ladder_run_number = 1)
),

used as (
    select * from {{ ref('int_usage__assigned') }}
    where charge_id is not null
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

timed as (
    select * from {{ ref('int_charges__timed') }}
),

pieces as (
    select * from {{ ref('int_usage__pieced') }}
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

-- Whose usage a run is of: of one customer, or of each child of a pool.
sharing as (
    select
        ladder_runs.*,
        coalesce(used.customer_id, ladder_runs.customer_id) as line_customer_id,
        ladder_runs.segment_count * count(*) over (
            partition by ladder_runs.ladder_run_id
        ) as line_count,
        case
            when used.contract_id is null then ladder_runs.quantity
            else coalesce(used.quantity, {{ zero_quantity() }})
        end as customer_quantity,
        coalesce(used.event_count, ladder_runs.event_count) as customer_event_count,
        coalesce(used.digest_sum_1, ladder_runs.digest_sum_1)
            as customer_digest_sum_1,
        coalesce(used.digest_sum_2, ladder_runs.digest_sum_2)
            as customer_digest_sum_2,
        case
            when used.contract_id is null then ladder_runs.first_event_at
            else used.first_event_at
        end as customer_first_event_at,
        case
            when used.contract_id is null then ladder_runs.last_event_at
            else used.last_event_at
        end as customer_last_event_at
    from ladder_runs
    left join used
        on
            ladder_runs.is_pooled
            and ladder_runs.contract_id = used.contract_id
            and ladder_runs.charge_id = used.charge_id
            and ladder_runs.run_start_at = used.run_start_at
            and ladder_runs.dimension_key = used.dimension_key
),

-- Each segment of a run is a line: its parties, and how much time and usage it has.
lined as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        ladder_runs.ladder_run_number,
        ladder_runs.is_additive,
        ladder_runs.segment_count,
        ladder_runs.quantity as run_quantity,
        ladder_runs.dimension_key,
        ladder_runs.line_customer_id as customer_id,
        ladder_runs.line_count,
        ladder_runs.customer_quantity,
        ladder_runs.line_kind,
        ladder_runs.meter_id,
        ladder_runs.quantity_before,
        ladder_runs.billing_timing,
        ladder_runs.billing_period,
        ladder_runs.is_due,
        meters.unit,
        meters.aggregation,
        meters.percentile,
        meters.window_unit,
        meters.window_aggregation,
        charges.charge_name,
        ladder_runs.charge_id,
        ladder_runs.share_unit,
        ladder_runs.share_of_units,
        segments.contract_id,
        segments.contract_lineage_id,
        segments.contract_version,
        segments.bill_to_customer_id,
        segments.legal_entity_id,
        segments.currency_code,
        segments.tax_profile,
        segments.plan_id,
        segments.charge_price_id,
        segments.list_charge_price_id,
        segments.is_override,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.segment_start_date,
        segments.segment_end_date,
        segments.service_start_at,
        segments.service_end_at,
        segments.reference_version,
        products.product_id,
        products.erp_item,
        products.revenue_account,
        charges.charge_model,
        case
            when charges.charge_model = 'flat' then timed.time_units
            else timed.level_units
        end as time_units,
        coalesce(
            meters.aggregation = 'weighted_sum' and meters.window_unit is null, false
        ) as is_rounded_once,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_quantity
            else coalesce(pieces.quantity, {{ zero_quantity() }})
        end as segment_quantity,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_event_count
            else coalesce(pieces.event_count, 0)
        end as event_count,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_digest_sum_1
            else coalesce(pieces.digest_sum_1, 0)
        end as digest_sum_1,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_digest_sum_2
            else coalesce(pieces.digest_sum_2, 0)
        end as digest_sum_2,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_first_event_at
            else pieces.first_event_at
        end as first_event_at,
        case
            when ladder_runs.segment_count = 1 then ladder_runs.customer_last_event_at
            else pieces.last_event_at
        end as last_event_at,
        priced.gross_units as run_gross_units,
        priced.converted_quantity as run_converted_quantity,
        priced.billable_quantity as run_billable_quantity,
        drawn.included_quantity as run_included_quantity,
        priced.period_length
    from sharing as ladder_runs
    inner join priced on ladder_runs.ladder_run_id = priced.ladder_run_id
    inner join segments
        on
            ladder_runs.contract_id = segments.contract_id
            and ladder_runs.charge_id = segments.charge_id
            and ladder_runs.cell_start_date = segments.cell_start_date
            and ladder_runs.run_number = segments.run_number
    inner join timed
        on
            segments.contract_id = timed.contract_id
            and segments.charge_id = timed.charge_id
            and segments.service_start_at = timed.service_start_at
    inner join charges on segments.list_charge_price_id = charges.charge_price_id
    left join meters on ladder_runs.meter_id = meters.meter_id
    left join products on charges.product_id = products.product_id
    left join drawn on ladder_runs.ladder_run_id = drawn.ladder_run_id
    left join pieces
        on
            ladder_runs.contract_id = pieces.contract_id
            and ladder_runs.charge_id = pieces.charge_id
            and ladder_runs.line_customer_id = pieces.customer_id
            and ladder_runs.dimension_key = pieces.dimension_key
            and segments.service_start_at = pieces.service_start_at
),

identified as (
    select
        *,
        {{ settlement_key() }} as settlement_key
    from lined
),

numbered as (
    select
        *,
        {{ content_id(['settlement_key', 'contract_id', 'service_start_at']) }}
            as rated_line_id,
        row_number() over (
            partition by ladder_key
            order by service_start_at, contract_id, customer_id
        ) as ladder_line_number
    from identified
),

-- What a run is shared by: usage where it adds up, time where it does not.
weighed as (
    select
        rated_line_id,
        ladder_run_id,
        ladder_line_number,
        {{ scaled_integer('segment_quantity', 9) }} as segment_weight,
        -- Children of a pool share what is not counted by events by quantity and time.
        case
            when sum(customer_quantity) over run_lines = 0 then time_units
            when line_count > segment_count
                then {{ scaled_integer('customer_quantity', 9) }} * time_units
            else time_units
        end as time_weight,
        time_units,
        is_additive
        and sum(segment_quantity) over run_lines <> 0 as is_by_usage,
        sum(time_units) over run_lines = 0 as is_without_time,
        row_number() over (
            partition by ladder_run_id
            order by ladder_line_number
        ) as run_line_number,
        cast(run_gross_units as {{ whole_number() }}) as run_gross_units,
        {{ scaled_integer('run_quantity', 9) }} as run_quantity_units,
        {{ scaled_integer('run_converted_quantity', 9) }} as run_converted_units,
        {{ scaled_integer('run_billable_quantity', 9) }} as run_billable_units,
        {{ scaled_integer('run_included_quantity', 9) }} as run_included_units
    from numbered
    where line_count > 1
    window run_lines as (partition by ladder_run_id)
),

weights as (
    select
        *,
        case
            when is_by_usage then segment_weight
            when not is_without_time then time_weight
            when run_line_number = 1 then 1
            else 0
        end as line_weight,
        case
            when is_by_usage then 'usage'
            when not is_without_time then 'time'
        end as weighed_by
    from weighed
),

whole_weights as (
    select
        *,
        sum(line_weight) over (partition by ladder_run_id) as run_weight
    from weights
),

{{ in_proportion(
    'whole_weights',
    [
        ['run_gross_units', 'line_weight', 'run_weight', 'gross'],
        ['run_quantity_units', 'line_weight', 'run_weight', 'quantity'],
        ['run_converted_units', 'line_weight', 'run_weight', 'converted'],
        ['run_billable_units', 'line_weight', 'run_weight', 'billable'],
        ['run_included_units', 'line_weight', 'run_weight', 'included'],
    ],
    'shares'
) }},

shared as (
    select
        rated_line_id,
        line_weight,
        run_weight,
        weighed_by,
        {% for name in ['quantity', 'converted', 'billable', 'included'] -%}
        {{ name }}_units
        + {{ one_more_step(
            'ladder_run_id',
            [name ~ '_rest'],
            'run_line_number',
            'run_' ~ name ~ '_units - sum(' ~ name
            ~ '_units) over (partition by ladder_run_id)'
        ) }} as {{ name }}_units,
        {% endfor -%}
        gross_units
        + {{ one_more_step(
            'ladder_run_id',
            ['gross_rest'],
            'run_line_number',
            'run_gross_units - sum(gross_units) over (partition by ladder_run_id)'
        ) }} as gross_units
    from shares
),

final as (
    select
        numbered.rated_line_id,
        numbered.settlement_key,
        numbered.ladder_key,
        numbered.ladder_run_id,
        cast(numbered.ladder_line_number as integer) as ladder_line_number,
        numbered.contract_id,
        numbered.contract_lineage_id,
        numbered.contract_version,
        numbered.customer_id,
        numbered.bill_to_customer_id,
        numbered.legal_entity_id,
        numbered.currency_code,
        numbered.tax_profile,
        numbered.plan_id,
        numbered.charge_id,
        numbered.charge_name,
        numbered.charge_model,
        numbered.charge_price_id,
        numbered.is_override,
        numbered.product_id,
        numbered.erp_item,
        numbered.revenue_account,
        numbered.line_kind,
        numbered.meter_id,
        numbered.is_additive,
        numbered.unit,
        numbered.aggregation,
        numbered.percentile,
        numbered.window_unit,
        numbered.window_aggregation,
        numbered.dimension_key,
        numbered.billing_timing,
        numbered.billing_period,
        numbered.is_due,
        numbered.cell_start_date,
        numbered.cell_end_date,
        numbered.segment_start_date,
        numbered.segment_end_date,
        numbered.service_start_at,
        numbered.service_end_at,
        case
            when numbered.line_count = 1 then numbered.run_quantity
            when not numbered.is_additive then numbered.customer_quantity
            -- Level times time is rounded once per run, not per segment.
            when numbered.is_rounded_once
                then {{ from_scaled_integer('shared.quantity_units', 9) }}
            else cast(numbered.segment_quantity as decimal(38, 9))
        end as quantity,
        numbered.quantity_before,
        case
            when numbered.line_count = 1 or not numbered.is_additive
                then numbered.run_converted_quantity
            else {{ from_scaled_integer('shared.converted_units', 9) }}
        end as converted_quantity,
        case
            when numbered.line_count = 1 or not numbered.is_additive
                then numbered.run_billable_quantity
            else {{ from_scaled_integer('shared.billable_units', 9) }}
        end as billable_quantity,
        case
            when numbered.line_count = 1 or not numbered.is_additive
                then numbered.run_included_quantity
            else {{ from_scaled_integer('shared.included_units', 9) }}
        end as included_quantity,
        numbered.period_length,
        numbered.share_unit,
        cast(
            case when numbered.is_additive then 1 else numbered.time_units end as bigint
        ) as share_units,
        numbered.share_of_units,
        cast(coalesce(shared.line_weight, 1) as decimal(38, 0)) as line_weight,
        cast(coalesce(shared.run_weight, 1) as decimal(38, 0)) as run_weight,
        shared.weighed_by,
        cast(
            case
                when numbered.line_count = 1 then numbered.run_gross_units
                else cast(shared.gross_units as decimal(38, 0))
            end as decimal(38, 0)
        ) as gross_units,
        cast(numbered.event_count as bigint) as event_count,
        cast(numbered.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(numbered.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        numbered.first_event_at,
        numbered.last_event_at,
        numbered.reference_version
    from numbered
    left join shared on numbered.rated_line_id = shared.rated_line_id
)

select * from final
