{%- set same_in_a_run = [
    'contract_lineage_id',
    'contract_customer_id',
    'currency_code',
    'time_zone',
    'children',
    'charge_price_id',
    'cell_end_date',
    'cell_start_at',
    'cell_end_at',
    'cell_units',
    'meter_units',
    'reference_version',
] -%}

with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

-- The only segment of its cell is a run by itself.
single_segments as (
    select * from {{ ref('int_charges__timed') }}
    where cell_segment_count = 1
),

joined_segments as (
    select * from {{ ref('int_charges__timed') }}
    where cell_segment_count > 1
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

single_runs as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        run_number,
        {% for column in same_in_a_run -%}
        {{ column }},
        {% endfor -%}
        service_start_at as run_start_at,
        service_end_at as run_end_at,
        segment_start_date as run_start_date,
        segment_end_date as run_end_date,
        service_start_at as active_from_at,
        segment_start_date as active_from_date,
        1 as segment_count,
        time_units,
        level_units
    from single_segments
),

joined_runs as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        run_number,
        {% for column in same_in_a_run -%}
        min({{ column }}) as {{ column }},
        {% endfor -%}
        min(service_start_at) as run_start_at,
        max(service_end_at) as run_end_at,
        min(segment_start_date) as run_start_date,
        max(segment_end_date) as run_end_date,
        count(*) as segment_count,
        sum(time_units) as time_units,
        sum(level_units) as level_units
    from joined_segments
    group by contract_id, charge_id, cell_start_date, run_number
),

runs as (
    select * from single_runs
    union all
    select
        contract_id,
        charge_id,
        cell_start_date,
        run_number,
        {% for column in same_in_a_run -%}
        {{ column }},
        {% endfor -%}
        run_start_at,
        run_end_at,
        run_start_date,
        run_end_date,
        min(run_start_at) over cell_runs as active_from_at,
        min(run_start_date) over cell_runs as active_from_date,
        segment_count,
        time_units,
        level_units
    from joined_runs
    window cell_runs as (partition by contract_id, charge_id, cell_start_date)
),

described as (
    select
        runs.*,
        known_until.known_until_at,
        charges.charge_model,
        charges.meter_id,
        charges.proration,
        charges.ladder,
        charges.billing_timing,
        coalesce(
            {{ is_additive('meters.aggregation', 'meters.window_aggregation') }}, false
        ) as is_additive,
        coalesce(meters.is_negative_allowed, false) as is_negative_allowed
    from runs
    cross join known_until
    inner join charges on runs.charge_price_id = charges.charge_price_id
    left join meters on charges.meter_id = meters.meter_id
),

-- An advance fee is due when its first day begins. Fees share the full cell, levels the
-- time in which their meter is priced at all.
final as (
    select
        contract_id,
        contract_lineage_id,
        contract_customer_id,
        currency_code,
        time_zone,
        charge_id,
        charge_model,
        charge_price_id,
        meter_id,
        is_additive,
        is_additive and ladder = 'continue' as is_continued,
        coalesce(children = 'pooled', false) and meter_id is not null as is_pooled,
        is_negative_allowed,
        {{ billing_period('billing_timing', 'active_from_date', 'cell_end_date')
            | indent(8) }} as billing_period,
        {{ is_due(
            'billing_timing', 'active_from_at', 'cell_end_at', 'known_until_at'
        ) | indent(8) }} as is_due,
        cell_start_date,
        cell_end_date,
        cell_start_at,
        cell_end_at,
        run_number,
        run_start_at,
        run_end_at,
        run_start_date,
        run_end_date,
        cast(segment_count as integer) as segment_count,
        cast(time_units as bigint) as time_units,
        cast(cell_units as bigint) as cell_units,
        cast(
            case
                when charge_model = 'flat' then time_units
                when is_additive then 1
                else level_units
            end as bigint
        ) as share_units,
        cast(
            case
                when charge_model = 'flat' then cell_units
                when is_additive then 1
                else greatest(meter_units, 1)
            end as bigint
        ) as share_of_units,
        reference_version
    from described
)

select * from final
