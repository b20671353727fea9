with quantified as (
    select * from {{ ref('int_charges__quantified') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

assigned as (
    select * from {{ ref('int_usage__assigned') }}
    where charge_id is not null
),

all_segments as (
    select * from {{ ref('int_charges__segmented') }}
),

all_timed as (
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

drawn as (
    select * from {{ ref('int_allowances__drawn') }}
),

pooled_runs as (
    select * from {{ ref('int_charges__quantified') }}
    where is_pooled
),

-- Every other ladder has one run, which is one line.
several_line_ladders as (
    select distinct ladder_key
    from {{ ref('int_charges__quantified') }}
    where ladder_run_number > 1 or segment_count > 1 or is_pooled
),

several_line_charges as (
    select distinct
        quantified.contract_id,
        quantified.charge_id
    from {{ ref('int_charges__quantified') }} as quantified
    semi join several_line_ladders
        on quantified.ladder_key = several_line_ladders.ladder_key
),

-- Of usage and segments only theirs are read.
used as (
    select assigned.*
    from assigned
    semi join pooled_runs
        on
            assigned.contract_id = pooled_runs.contract_id
            and assigned.charge_id = pooled_runs.charge_id
            and assigned.run_start_at = pooled_runs.run_start_at
),

segments as (
    select all_segments.*
    from all_segments
    semi join several_line_charges
        on
            all_segments.contract_id = several_line_charges.contract_id
            and all_segments.charge_id = several_line_charges.charge_id
),

timed as (
    select all_timed.*
    from all_timed
    semi join several_line_charges
        on
            all_timed.contract_id = several_line_charges.contract_id
            and all_timed.charge_id = several_line_charges.charge_id
),

counted_runs as (
    select
        quantified.*,
        priced.gross_units,
        priced.converted_quantity,
        priced.billable_quantity,
        drawn.included_quantity,
        coalesce(
            meters.aggregation = 'weighted_sum' and meters.window_unit is null, false
        ) as is_rounded_once,
        sum(quantified.event_count) over (
            partition by quantified.ladder_key
        ) as ladder_event_count
    from quantified
    inner join
        several_line_ladders
        on quantified.ladder_key = several_line_ladders.ladder_key
    inner join priced on quantified.ladder_run_id = priced.ladder_run_id
    left join drawn on quantified.ladder_run_id = drawn.ladder_run_id
    left join meters on quantified.meter_id = meters.meter_id
),

-- A run without usage is asked for what a cell without usage costs; where that is
-- nothing, only the first one is a line, and only in a cell without usage.
ladder_runs as (
    select
        *,
        not is_additive
        or event_count > 0
        or quantity <> 0
        or not coalesce(gross_units = 0, false)
        or (ladder_event_count = 0 and ladder_run_number = 1) as is_charged
    from counted_runs
),

-- Each segment of a run is a line, in a pool each segment of each child that has usage.
lined as (
    select
        ladder_runs.ladder_run_id,
        ladder_runs.ladder_key,
        ladder_runs.contract_id,
        ladder_runs.is_charged,
        ladder_runs.is_additive,
        ladder_runs.is_rounded_once,
        ladder_runs.segment_count,
        ladder_runs.share_units,
        ladder_runs.gross_units,
        ladder_runs.quantity,
        ladder_runs.converted_quantity,
        ladder_runs.billable_quantity,
        ladder_runs.included_quantity,
        segments.service_start_at,
        {% for column in ['event_count', 'digest_sum_1', 'digest_sum_2'] -%}
        case
            when ladder_runs.segment_count > 1 then coalesce(pieces.{{ column }}, 0)
            else coalesce(used.{{ column }}, ladder_runs.{{ column }})
        end as {{ column }},
        {% endfor -%}
        {% for column in ['first_event_at', 'last_event_at'] -%}
        case
            when ladder_runs.segment_count > 1 then pieces.{{ column }}
            when used.contract_id is null then ladder_runs.{{ column }}
            else used.{{ column }}
        end as {{ column }},
        {% endfor -%}
        coalesce(used.customer_id, ladder_runs.customer_id) as customer_id,
        case
            when charges.charge_model = 'flat' then timed.time_units
            else timed.level_units
        end as time_units,
        case
            when used.contract_id is null then ladder_runs.quantity
            else coalesce(used.quantity, {{ zero_quantity() }})
        end as customer_quantity,
        case
            when ladder_runs.segment_count > 1
                then coalesce(pieces.quantity, {{ zero_quantity() }})
            when used.contract_id is null then ladder_runs.quantity
            else coalesce(used.quantity, {{ zero_quantity() }})
        end as segment_quantity
    from ladder_runs
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
    left join used
        on
            ladder_runs.is_pooled
            and ladder_runs.contract_id = used.contract_id
            and ladder_runs.charge_id = used.charge_id
            and ladder_runs.run_start_at = used.run_start_at
            and ladder_runs.dimension_key = used.dimension_key
    left join pieces
        on
            ladder_runs.contract_id = pieces.contract_id
            and ladder_runs.charge_id = pieces.charge_id
            and coalesce(used.customer_id, ladder_runs.customer_id)
            = pieces.customer_id
            and ladder_runs.dimension_key = pieces.dimension_key
            and segments.service_start_at = pieces.service_start_at
),

numbered as (
    select
        *,
        count(*) over (partition by ladder_run_id) as line_count,
        row_number() over (
            partition by ladder_key, is_charged
            order by service_start_at, contract_id, customer_id
        ) as ladder_line_number
    from lined
),

-- What a run is shared by: usage where it adds up, time where it does not.
weighed as (
    select
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
        is_additive
        and sum(segment_quantity) over run_lines <> 0 as is_by_usage,
        sum(time_units) over run_lines = 0 as is_without_time,
        row_number() over (
            partition by ladder_run_id
            order by ladder_line_number
        ) as run_line_number,
        cast(gross_units as {{ whole_number() }}) as run_gross_units,
        {{ scaled_integer('quantity', 9) }} as run_quantity_units,
        {{ scaled_integer('converted_quantity', 9) }} as run_converted_units,
        {{ scaled_integer('billable_quantity', 9) }} as run_billable_units,
        {{ scaled_integer('included_quantity', 9) }} as run_included_units
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
        ladder_run_id,
        ladder_line_number,
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

-- A line that has all of its run has the run's id.
final as (
    select
        case
            when numbered.line_count = 1 then numbered.ladder_run_id
            else {{ content_number([
                content_number_text('numbered.ladder_run_id'),
                'numbered.service_start_at',
                'numbered.customer_id',
            ]) }}
        end as rated_line_id,
        numbered.ladder_run_id,
        numbered.ladder_key,
        numbered.service_start_at,
        numbered.customer_id,
        numbered.is_charged,
        cast(numbered.ladder_line_number as integer) as ladder_line_number,
        case
            when numbered.line_count = 1 then numbered.quantity
            when not numbered.is_additive
                then cast(numbered.customer_quantity as decimal(38, 9))
            -- Level times time is rounded once per run, not per segment.
            when numbered.is_rounded_once
                then {{ from_scaled_integer('shared.quantity_units', 9) }}
            else cast(numbered.segment_quantity as decimal(38, 9))
        end as quantity,
        {% for name in ['converted', 'billable', 'included'] -%}
        case
            when numbered.line_count = 1 or not numbered.is_additive
                then numbered.{{ name }}_quantity
            else {{ from_scaled_integer('shared.' ~ name ~ '_units', 9) }}
        end as {{ name }}_quantity,
        {% endfor -%}
        cast(
            case
                when numbered.line_count = 1 then numbered.share_units
                when numbered.is_additive then 1
                else numbered.time_units
            end as bigint
        ) as share_units,
        cast(coalesce(shared.line_weight, 1) as decimal(38, 0)) as line_weight,
        cast(coalesce(shared.run_weight, 1) as decimal(38, 0)) as run_weight,
        shared.weighed_by,
        case
            when numbered.line_count = 1 then numbered.gross_units
            else cast(shared.gross_units as decimal(38, 0))
        end as gross_units,
        cast(numbered.event_count as bigint) as event_count,
        cast(numbered.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(numbered.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        numbered.first_event_at,
        numbered.last_event_at
    from numbered
    left join shared
        on
            numbered.ladder_run_id = shared.ladder_run_id
            and numbered.ladder_line_number = shared.ladder_line_number
)

select * from final
