{#- Usage by ladder. A pool of children climbs one ladder, in the name of the
    contract's customer. -#}
{%- set climbed -%}
    select
        assigned.contract_id,
        assigned.charge_id,
        assigned.run_start_at,
        assigned.customer_id,
        assigned.dimension_key,
        case
            when {{ is_within_limit('assigned.quantity') }} then assigned.quantity
        end as quantity,
        assigned.is_beyond_limit
        or not coalesce({{ is_within_limit('assigned.quantity') }}, true)
            as is_beyond_limit,
        assigned.event_count,
        assigned.unvalued_event_count,
        assigned.negative_event_count,
        assigned.digest_sum_1,
        assigned.digest_sum_2,
        assigned.first_event_at,
        assigned.last_event_at
    from {{ ref('int_usage__assigned') }} as assigned
    anti join pooled_runs
        on
            assigned.contract_id = pooled_runs.contract_id
            and assigned.charge_id = pooled_runs.charge_id
            and assigned.run_start_at = pooled_runs.run_start_at
    where assigned.charge_id is not null
    union all
    select
        assigned.contract_id,
        assigned.charge_id,
        assigned.run_start_at,
        pooled_runs.contract_customer_id as customer_id,
        assigned.dimension_key,
        cast({{ limited_sum('assigned.quantity') }} as decimal(38, 9)) as quantity,
        bool_or(
            assigned.is_beyond_limit
            or not coalesce({{ is_within_limit('assigned.quantity') }}, true)
        ) as is_beyond_limit,
        cast(sum(assigned.event_count) as bigint) as event_count,
        cast(sum(assigned.unvalued_event_count) as bigint) as unvalued_event_count,
        cast(sum(assigned.negative_event_count) as bigint) as negative_event_count,
        cast(sum(assigned.digest_sum_1) as decimal(38, 0)) as digest_sum_1,
        cast(sum(assigned.digest_sum_2) as decimal(38, 0)) as digest_sum_2,
        min(assigned.first_event_at) as first_event_at,
        max(assigned.last_event_at) as last_event_at
    from {{ ref('int_usage__assigned') }} as assigned
    inner join pooled_runs
        on
            assigned.contract_id = pooled_runs.contract_id
            and assigned.charge_id = pooled_runs.charge_id
            and assigned.run_start_at = pooled_runs.run_start_at
    group by
        assigned.contract_id,
        assigned.charge_id,
        assigned.run_start_at,
        pooled_runs.contract_customer_id,
        assigned.dimension_key
{%- endset -%}

{#- A cell without usage has one ladder too, on which nothing is climbed. What has no
    value, such as the largest of nothing, counts as nothing used. -#}
{%- set quantities -%}
        runs.*,
        coalesce(climbs.customer_id, runs.contract_customer_id) as customer_id,
        coalesce(climbs.dimension_key, {{ no_dimension_values() }}) as dimension_key,
        cast(
            case
                when runs.charge_model = 'flat' then 1
                else coalesce(climbs.quantity, {{ zero_quantity() }})
            end as decimal(38, 9)
        ) as quantity,
        coalesce(climbs.is_beyond_limit, false) as is_beyond_limit,
        coalesce(climbs.negative_event_count, 0) > 0 as has_negative_events,
        coalesce(climbs.event_count, 0) as event_count,
        coalesce(climbs.event_count - climbs.unvalued_event_count, 0)
            as valued_event_count,
        coalesce(climbs.digest_sum_1, 0) as digest_sum_1,
        coalesce(climbs.digest_sum_2, 0) as digest_sum_2,
        climbs.first_event_at,
        climbs.last_event_at
{%- endset -%}

-- Runs and usage are read again for each question to a few of them, so that neither is
-- kept in full.
with runs as (
    select * from {{ ref('int_charges__runs') }}
),

pooled_runs as (
    select * from {{ ref('int_charges__runs') }}
    where is_pooled
),

later_runs as (
    select * from {{ ref('int_charges__runs') }}
    where run_number > 1
),

cell_runs as (
    select * from {{ ref('int_charges__runs') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

conflicted as (
    select * from {{ ref('int_charges__conflicted') }}
),

-- Only here a ladder may have several runs: a price changes, or a contract is renewed.
several_cells as (
    select
        contract_lineage_id,
        cell_start_date
    from later_runs
    union
    select
        contract_lineage_id,
        cell_start_date
    from cells
    group by
        contract_lineage_id,
        cell_start_date
    having count(*) > 1
),

several_runs as (
    select cell_runs.*
    from cell_runs
    inner join several_cells
        on
            cell_runs.contract_lineage_id = several_cells.contract_lineage_id
            and cell_runs.cell_start_date = several_cells.cell_start_date
),

climbed as (
    {{ climbed }}
),

climbed_again as (
    {{ climbed }}
),

climbed_in_several as (
    select climbed_again.*
    from climbed_again
    semi join several_runs
        on
            climbed_again.contract_id = several_runs.contract_id
            and climbed_again.charge_id = several_runs.charge_id
            and climbed_again.run_start_at = several_runs.run_start_at
),

used_ladders as (
    select distinct
        several_runs.contract_id,
        several_runs.charge_id,
        several_runs.cell_start_date,
        climbed_in_several.customer_id,
        climbed_in_several.dimension_key
    from several_runs
    inner join climbed_in_several
        on
            several_runs.contract_id = climbed_in_several.contract_id
            and several_runs.charge_id = climbed_in_several.charge_id
            and several_runs.run_start_at = climbed_in_several.run_start_at
),

-- Every ladder that continues has its first run, and every other one each of its runs:
-- used or not.
unused as (
    select
        several_runs.contract_id,
        several_runs.charge_id,
        several_runs.run_start_at,
        used_ladders.customer_id,
        used_ladders.dimension_key
    from several_runs
    inner join used_ladders
        on
            several_runs.contract_id = used_ladders.contract_id
            and several_runs.charge_id = used_ladders.charge_id
            and several_runs.cell_start_date = used_ladders.cell_start_date
    anti join climbed_in_several
        on
            several_runs.contract_id = climbed_in_several.contract_id
            and several_runs.charge_id = climbed_in_several.charge_id
            and several_runs.run_start_at = climbed_in_several.run_start_at
            and used_ladders.customer_id = climbed_in_several.customer_id
            and used_ladders.dimension_key = climbed_in_several.dimension_key
    where not several_runs.is_continued or several_runs.run_number = 1
),

several_climbs as (
    select * from climbed_in_several
    union all
    select
        *,
        cast(null as decimal(38, 9)) as quantity,
        false as is_beyond_limit,
        cast(0 as bigint) as event_count,
        cast(0 as bigint) as unvalued_event_count,
        cast(0 as bigint) as negative_event_count,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from unused
),

only_quantities as (
    select
        {{ quantities }}
    from runs
    left join climbed as climbs
        on
            runs.contract_id = climbs.contract_id
            and runs.charge_id = climbs.charge_id
            and runs.run_start_at = climbs.run_start_at
    anti join several_cells
        on
            runs.contract_lineage_id = several_cells.contract_lineage_id
            and runs.cell_start_date = several_cells.cell_start_date
),

several_quantities as (
    select
        {{ quantities }}
    from several_runs as runs
    left join several_climbs as climbs
        on
            runs.contract_id = climbs.contract_id
            and runs.charge_id = climbs.charge_id
            and runs.run_start_at = climbs.run_start_at
    where
        climbs.contract_id is not null
        or not runs.is_continued
        or runs.run_number = 1
),

keyed as (
    select
        *,
        {{ ladder_key() }} as ladder_key
    from several_quantities
),

accumulated as (
    select
        *,
        {{ ladder_key() }} as ladder_key,
        1 as ladder_run_number,
        quantity as cumulative_quantity,
        quantity as ladder_quantity,
        is_beyond_limit
        or not {{ is_within_limit('quantity') }} as is_ladder_beyond_limit
    from only_quantities
    union all
    select
        *,
        row_number() over ladder_so_far as ladder_run_number,
        cast({{ limited_sum('quantity') }} over ladder_so_far as decimal(38, 9))
            as cumulative_quantity,
        cast({{ limited_sum('quantity') }} over ladder as decimal(38, 9))
            as ladder_quantity,
        bool_or(is_beyond_limit or not {{ is_within_limit('quantity') }}) over ladder
            as is_ladder_beyond_limit
    from keyed
    window
        ladder as (partition by ladder_key),
        ladder_so_far as (
            partition by ladder_key
            order by run_start_at, contract_id
            rows between unbounded preceding and current row
        )
),

final as (
    select
        case
            when accumulated.ladder_run_number = 1 then accumulated.ladder_key
            else {{ content_number([
                content_number_text('accumulated.ladder_key'),
                'accumulated.contract_id',
                'accumulated.run_start_at',
            ]) }}
        end as ladder_run_id,
        accumulated.ladder_key,
        cast(accumulated.ladder_run_number as integer) as ladder_run_number,
        accumulated.contract_id,
        accumulated.customer_id,
        accumulated.currency_code,
        accumulated.charge_id,
        accumulated.charge_model,
        accumulated.charge_price_id,
        accumulated.meter_id,
        accumulated.is_additive,
        accumulated.is_continued,
        accumulated.is_pooled,
        accumulated.is_negative_allowed,
        accumulated.billing_period,
        accumulated.is_due,
        accumulated.dimension_key,
        accumulated.cell_start_date,
        accumulated.run_number,
        accumulated.run_start_at,
        accumulated.segment_count,
        accumulated.time_units,
        accumulated.cell_units,
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
        accumulated.last_event_at
    from accumulated
    left join conflicted
        on
            accumulated.contract_id = conflicted.contract_id
            and accumulated.charge_id = conflicted.charge_id
            and accumulated.cell_start_date = conflicted.cell_start_date
)

select * from final
