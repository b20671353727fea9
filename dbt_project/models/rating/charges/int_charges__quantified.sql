with runs as (
    select * from {{ ref('int_charges__runs') }}
),

assigned as (
    select * from {{ ref('int_usage__assigned') }}
    where charge_id is not null
),

conflicted as (
    select * from {{ ref('int_charges__conflicted') }}
),

-- A pool of children climbs one ladder, in the name of the contract's customer.
used as (
    select
        assigned.contract_id,
        assigned.charge_id,
        assigned.run_start_at,
        case
            when runs.is_pooled then runs.contract_customer_id
            else assigned.customer_id
        end as ladder_customer_id,
        assigned.dimension_key,
        cast({{ limited_sum('assigned.quantity') }} as decimal(38, 9)) as quantity,
        bool_or(
            assigned.is_beyond_limit
            or not coalesce({{ is_within_limit('assigned.quantity') }}, true)
        ) as is_beyond_limit,
        sum(assigned.event_count) as event_count,
        sum(assigned.unvalued_event_count) as unvalued_event_count,
        sum(assigned.negative_event_count) as negative_event_count,
        sum(assigned.digest_sum_1) as digest_sum_1,
        sum(assigned.digest_sum_2) as digest_sum_2,
        min(assigned.first_event_at) as first_event_at,
        max(assigned.last_event_at) as last_event_at
    from assigned
    inner join runs
        on
            assigned.contract_id = runs.contract_id
            and assigned.charge_id = runs.charge_id
            and assigned.run_start_at = runs.run_start_at
    group by
        assigned.contract_id,
        assigned.charge_id,
        assigned.run_start_at,
        case
            when runs.is_pooled then runs.contract_customer_id
            else assigned.customer_id
        end,
        assigned.dimension_key
),

used_ladders as (
    select distinct
        runs.contract_id,
        runs.charge_id,
        runs.cell_start_date,
        used.ladder_customer_id,
        used.dimension_key
    from used
    inner join runs
        on
            used.contract_id = runs.contract_id
            and used.charge_id = runs.charge_id
            and used.run_start_at = runs.run_start_at
),

cells as (
    select distinct
        contract_id,
        charge_id,
        cell_start_date,
        contract_customer_id
    from runs
),

-- A cell without usage has one ladder too, on which nothing is climbed.
ladders as (
    select
        cells.contract_id,
        cells.charge_id,
        cells.cell_start_date,
        coalesce(used_ladders.ladder_customer_id, cells.contract_customer_id)
            as customer_id,
        coalesce(used_ladders.dimension_key, {{ no_dimension_values() }})
            as dimension_key
    from cells
    left join used_ladders
        on
            cells.contract_id = used_ladders.contract_id
            and cells.charge_id = used_ladders.charge_id
            and cells.cell_start_date = used_ladders.cell_start_date
),

-- Every ladder that continues has its first run, and every other one each of its runs:
-- used or not.
quantities as (
    select
        runs.*,
        ladders.customer_id,
        ladders.dimension_key,
        -- What has no value, such as the largest of nothing, counts as nothing used.
        cast(
            case
                when runs.charge_model = 'flat' then 1
                else coalesce(used.quantity, {{ zero_quantity() }})
            end as decimal(38, 9)
        ) as quantity,
        coalesce(used.is_beyond_limit, false) as is_beyond_limit,
        coalesce(used.negative_event_count, 0) > 0 as has_negative_events,
        coalesce(used.event_count, 0) as event_count,
        coalesce(used.event_count - used.unvalued_event_count, 0) as valued_event_count,
        coalesce(used.digest_sum_1, 0) as digest_sum_1,
        coalesce(used.digest_sum_2, 0) as digest_sum_2,
        used.first_event_at,
        used.last_event_at
    from ladders
    inner join runs
        on
            ladders.contract_id = runs.contract_id
            and ladders.charge_id = runs.charge_id
            and ladders.cell_start_date = runs.cell_start_date
    left join used
        on
            runs.contract_id = used.contract_id
            and runs.charge_id = used.charge_id
            and runs.run_start_at = used.run_start_at
            and ladders.customer_id = used.ladder_customer_id
            and ladders.dimension_key = used.dimension_key
    where
        used.contract_id is not null
        or not runs.is_continued
        or runs.run_number = 1
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
        {{ limited_sum('keyed.quantity') }} over (
            partition by keyed.ladder_key
        ) as ladder_quantity,
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
        accumulated.is_continued,
        accumulated.is_pooled,
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
        accumulated.time_units,
        accumulated.cell_units,
        accumulated.share_unit,
        accumulated.share_units,
        accumulated.share_of_units,
        cast(accumulated.quantity as decimal(38, 9)) as quantity,
        -- Ladders continue over the runs of a cell, unless they restart; fees and
        -- levels start anew.
        cast(
            case
                when accumulated.is_ladder_beyond_limit then null
                when accumulated.is_continued and accumulated.ladder_run_number > 1
                    then accumulated.cumulative_quantity - accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_before,
        cast(
            case
                when accumulated.is_ladder_beyond_limit then null
                when accumulated.is_continued then accumulated.cumulative_quantity
                else accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_after,
        cast(
            case
                when not accumulated.is_ladder_beyond_limit
                    then accumulated.ladder_quantity
            end as decimal(38, 9)
        ) as ladder_quantity,
        accumulated.is_ladder_beyond_limit as is_beyond_limit,
        accumulated.has_negative_events,
        conflicted.contract_id is not null as has_conflicting_events,
        cast(accumulated.event_count as bigint) as event_count,
        cast(accumulated.valued_event_count as bigint) as valued_event_count,
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
