{%- set bounds = ['cell_start_date', 'cell_end_date', 'billing_anchor_day'] -%}

with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

contract_bounds as (
    select
        contract_id,
        contract_lineage_id,
        min(span_start_at) as contract_start_at,
        max(span_end_at) as contract_end_at
    from contract_spans
    group by contract_id, contract_lineage_id
),

contract_ends as (
    select
        contract_id,
        contract_end_at,
        lead(contract_start_at) over (
            partition by contract_lineage_id
            order by contract_start_at
        ) as next_start_at
    from contract_bounds
),

-- What a fee in advance pays for where the contract ends within its cell: up to there,
-- up to the end of the cell, or nothing at all. A contract from which its lineage goes
-- on within the cell is renewed, not terminated.
ended as (
    select
        segments.*,
        charges.proration,
        case
            when
                charges.billing_timing = 'advance'
                and contract_ends.contract_id is not null
                then charges.on_termination
            else 'prorated'
        end as ends_as
    from segments
    inner join charges on segments.charge_price_id = charges.charge_price_id
    left join contract_ends
        on
            segments.contract_id = contract_ends.contract_id
            and segments.service_end_at = contract_ends.contract_end_at
            and segments.cell_end_at > contract_ends.contract_end_at
            and coalesce(segments.cell_end_at <= contract_ends.next_start_at, true)
),

paid as (
    select
        *,
        case when ends_as = 'no_refund' then cell_end_date else counted_end_date end
            as paid_end_date,
        case when ends_as = 'no_refund' then cell_end_at else service_end_at end
            as paid_end_at,
        bool_or(ends_as = 'full') over (
            partition by contract_id, charge_id, cell_start_date
        ) as is_given_back
    from ended
),

measured as (
    select
        *,
        {{ days_between('counted_start_date', 'paid_end_date') }} as segment_days,
        {{ days_between('cell_start_date', 'cell_end_date') }} as cell_days,
        {{ seconds_between('service_start_at', 'paid_end_at') }} as segment_seconds,
        {{ seconds_between('cell_start_at', 'cell_end_at') }} as cell_seconds
    from paid
),

-- What of a segment no earlier charge of its meter has covered yet.
uncovered as (
    select
        *,
        greatest(
            0,
            {{ days_between(
                'greatest(counted_start_date, coalesce(max(counted_end_date) over '
                ~ 'meter_days, counted_start_date))',
                'counted_end_date'
            ) | indent(12) }}
        ) as uncovered_days,
        greatest(
            0,
            {{ seconds_between(
                'greatest(service_start_at, coalesce(max(service_end_at) over '
                ~ 'meter_seconds, service_start_at))',
                'service_end_at'
            ) | indent(12) }}
        ) as uncovered_seconds
    from measured
    window
        meter_days as (
            partition by
                contract_lineage_id,
                meter_id,
                cell_start_date,
                cell_end_date
            order by counted_start_date, counted_end_date, charge_id, service_start_at
            rows between unbounded preceding and 1 preceding
        ),
        meter_seconds as (
            partition by
                contract_lineage_id,
                meter_id,
                cell_start_date,
                cell_end_date
            order by service_start_at, service_end_at, charge_id
            rows between unbounded preceding and 1 preceding
        )
),

final as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        service_start_at,
        run_number,
        case
            when proration = 'fixed_30' then 'days of 30 a month'
            when proration = 'second' then 'seconds'
            else 'days'
        end as time_unit,
        cast(
            case
                when is_given_back then 0
                when proration = 'day' then segment_days
                when proration = 'second' then segment_seconds
                when proration = 'fixed_30'
                    then
                        {{ fixed_30_position('paid_end_date', *bounds)
                            | indent(24) }}
                        - {{ fixed_30_position('counted_start_date', *bounds)
                            | indent(24) }}
                when segment_number = 1 then 1
                else 0
            end as bigint
        ) as time_units,
        cast(
            case proration
                when 'day' then cell_days
                when 'second' then cell_seconds
                when 'fixed_30'
                    then 30 * {{ months_between('cell_start_date', 'cell_end_date') }}
                when 'none' then 1
            end as bigint
        ) as cell_units,
        cast(
            case when proration = 'second' then segment_seconds else segment_days end
            as bigint
        ) as level_units,
        cast(
            case
                when proration = 'second'
                    then sum(uncovered_seconds) over (
                        partition by
                            contract_lineage_id,
                            meter_id,
                            cell_start_date,
                            cell_end_date
                    )
                else sum(uncovered_days) over (
                    partition by
                        contract_lineage_id,
                        meter_id,
                        cell_start_date,
                        cell_end_date
                )
            end as bigint
        ) as meter_units
    from uncovered
)

select * from final
