with runs as (
    select * from {{ ref('int_charges__runs') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

assigned as (
    select * from {{ ref('int_usage__assigned') }}
    where charge_id is not null
),

conflicted as (
    select * from {{ ref('int_charges__conflicted') }}
),

-- Readings of levels that are carried in, a day at a time.
readings as (
    select
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.customer_id,
        metered.dimension_key,
        metered.local_date,
        {{ latest_by(
            'metered.latest_quantity',
            [
                'metered.latest_event_at',
                'metered.latest_event_nanos',
                'metered.latest_event_source',
                'metered.latest_event_id',
            ]
        ) }} as quantity
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    inner join contracts on metered.contract_id = contracts.contract_id
    where meters.aggregation = 'latest' and meters.carry_in = 'previous'
    group by
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.customer_id,
        metered.dimension_key,
        metered.local_date
),

levels as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        min(local_date) as first_local_date
    from readings
    group by contract_lineage_id, meter_id, customer_id, dimension_key
),

-- At a run's start stands the last reading of the days before it.
level_steps as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        local_date as step_date,
        true as is_reading,
        quantity,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id,
        cast(null as timestamp) as run_start_at
    from readings
    union all
    select
        levels.contract_lineage_id,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        runs.run_start_date as step_date,
        false as is_reading,
        cast(null as decimal(38, 9)) as quantity,
        runs.contract_id,
        runs.charge_id,
        runs.run_start_at
    from levels
    inner join runs
        on
            levels.contract_lineage_id = runs.contract_lineage_id
            and levels.meter_id = runs.meter_id
            and levels.first_local_date < runs.run_start_date
),

level_starts as (
    select
        *,
        last_value(quantity ignore nulls) over (
            partition by contract_lineage_id, meter_id, customer_id, dimension_key
            order by step_date, is_reading
        ) as level_quantity
    from level_steps
),

carried as (
    select
        contract_id,
        charge_id,
        run_start_at,
        customer_id,
        dimension_key,
        level_quantity as quantity
    from level_starts
    where not is_reading
),

used as (
    select
        contract_id,
        charge_id,
        run_start_at,
        customer_id,
        dimension_key,
        quantity,
        is_beyond_limit,
        negative_event_count > 0 as has_negative_events,
        event_count,
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at
    from assigned
    union all
    select
        carried.contract_id,
        carried.charge_id,
        carried.run_start_at,
        carried.customer_id,
        carried.dimension_key,
        carried.quantity,
        false as is_beyond_limit,
        false as has_negative_events,
        0 as event_count,
        0 as digest_sum_1,
        0 as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from carried
    left join assigned
        on
            carried.contract_id = assigned.contract_id
            and carried.charge_id = assigned.charge_id
            and carried.run_start_at = assigned.run_start_at
            and carried.customer_id = assigned.customer_id
            and carried.dimension_key = assigned.dimension_key
    where assigned.contract_id is null
),

used_cells as (
    select distinct
        runs.contract_id,
        runs.charge_id,
        runs.cell_start_date
    from used
    inner join runs
        on
            used.contract_id = runs.contract_id
            and used.charge_id = runs.charge_id
            and used.run_start_at = runs.run_start_at
),

-- Runs with usage; fees; and where a cell has no usage at all, nothing used: once where
-- quantities add up, in every run where each has a share of the cell.
quantities as (
    select
        runs.*,
        used.customer_id,
        used.dimension_key,
        used.quantity,
        used.is_beyond_limit,
        used.has_negative_events,
        used.event_count,
        used.digest_sum_1,
        used.digest_sum_2,
        used.first_event_at,
        used.last_event_at
    from runs
    inner join used
        on
            runs.contract_id = used.contract_id
            and runs.charge_id = used.charge_id
            and runs.run_start_at = used.run_start_at
    union all
    select
        runs.*,
        runs.contract_customer_id as customer_id,
        {{ no_dimension_values() }} as dimension_key,
        case when runs.charge_model = 'flat' then 1 else 0 end as quantity,
        false as is_beyond_limit,
        false as has_negative_events,
        0 as event_count,
        0 as digest_sum_1,
        0 as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from runs
    left join used_cells
        on
            runs.contract_id = used_cells.contract_id
            and runs.charge_id = used_cells.charge_id
            and runs.cell_start_date = used_cells.cell_start_date
    where
        used_cells.contract_id is null
        and (not runs.is_additive or runs.run_number = 1)
),

keyed as (
    select
        *,
        {{ ladder_key() }} as ladder_key
    from quantities
),

accumulated as (
    select
        keyed.*,
        row_number() over (
            partition by keyed.ladder_key
            order by keyed.run_start_at, keyed.contract_id
        ) as ladder_run_number,
        {{ limited_sum('keyed.quantity') }} over (
            partition by keyed.ladder_key
            order by keyed.run_start_at, keyed.contract_id
            rows between unbounded preceding and current row
        ) as cumulative_quantity,
        bool_or(
            keyed.is_beyond_limit
            or not {{ is_within_limit('keyed.quantity') }}
        )
            over (partition by keyed.ladder_key) as is_ladder_beyond_limit
    from keyed
),

final as (
    select
        {{ content_id([
            'accumulated.ladder_key',
            'accumulated.contract_id',
            'accumulated.run_start_at',
        ]) }} as ladder_run_id,
        accumulated.ladder_key,
        cast(accumulated.ladder_run_number as integer) as ladder_run_number,
        accumulated.contract_id,
        accumulated.contract_lineage_id,
        accumulated.customer_id,
        accumulated.currency_code,
        accumulated.charge_id,
        accumulated.charge_model,
        accumulated.charge_price_id,
        accumulated.line_kind,
        accumulated.meter_id,
        accumulated.is_additive,
        accumulated.is_negative_allowed,
        accumulated.billing_timing,
        accumulated.billing_period,
        accumulated.is_due,
        accumulated.dimension_key,
        accumulated.cell_start_date,
        accumulated.cell_end_date,
        accumulated.run_number,
        accumulated.run_start_at,
        accumulated.run_end_at,
        accumulated.segment_count,
        accumulated.share_unit,
        accumulated.share_units,
        accumulated.share_of_units,
        cast(accumulated.quantity as decimal(38, 9)) as quantity,
        -- Ladders continue over the runs of a cell; fees and levels start anew.
        cast(
            case
                when accumulated.is_ladder_beyond_limit then null
                when accumulated.is_additive and accumulated.ladder_run_number > 1
                    then accumulated.cumulative_quantity - accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_before,
        cast(
            case
                when accumulated.is_ladder_beyond_limit then null
                when accumulated.is_additive then accumulated.cumulative_quantity
                else accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_after,
        accumulated.is_ladder_beyond_limit as is_beyond_limit,
        accumulated.has_negative_events,
        conflicted.contract_id is not null as has_conflicting_events,
        cast(accumulated.event_count as bigint) as event_count,
        cast(accumulated.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(accumulated.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        accumulated.first_event_at,
        accumulated.last_event_at,
        accumulated.reference_version
    from accumulated
    left join conflicted
        on
            accumulated.contract_id = conflicted.contract_id
            and accumulated.charge_id = conflicted.charge_id
            and accumulated.cell_start_date = conflicted.cell_start_date
)

select * from final
