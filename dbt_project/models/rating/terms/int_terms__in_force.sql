with contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

terms as (
    select * from {{ ref('stg_price_book__terms') }}
),

contract_starts as (
    select
        contract_id,
        time_zone,
        min(span_start_at) as contract_start_at
    from contract_spans
    group by contract_id, time_zone
),

dated_starts as (
    select
        contract_id,
        {{ local_date('contract_start_at', 'time_zone') }} as start_date
    from contract_starts
),

-- A plan's terms hold while the contract is on the plan, its own ones all the time.
held as (
    select
        terms.*,
        contract_spans.contract_id as holder_id,
        contract_spans.time_zone,
        contract_spans.span_start_at,
        contract_spans.span_end_at
    from terms
    inner join contract_spans
        on
            terms.contract_id = contract_spans.contract_id
            or terms.plan_id = contract_spans.plan_id
),

bounded as (
    select
        held.*,
        coalesce(
            {{ local_day_start_at('held.effective_from_date', 'held.time_zone')
                | indent(12) }},
            {{ start_of_time() }}
        ) as term_start_at,
        coalesce(
            case held.trial_unit
                when 'periods' then cells.cell_end_at
                when 'days'
                    then {{ local_day_start_at(
                        'dated_starts.start_date + held.trial_length', 'held.time_zone'
                    ) | indent(20) }}
                when 'months'
                    then {{ local_day_start_at(
                        add_months(
                            'dated_starts.start_date',
                            'held.trial_length',
                            'extract(day from dated_starts.start_date)'
                        ),
                        'held.time_zone'
                    ) | indent(20) }}
            end,
            {{ local_day_start_at('held.effective_to_date', 'held.time_zone')
                | indent(12) }},
            {{ end_of_time() }}
        ) as term_end_at
    from held
    inner join dated_starts on held.holder_id = dated_starts.contract_id
    left join cells
        on
            held.holder_id = cells.contract_id
            and held.trial_length - 1 = cells.cell_number
            and held.trial_unit = 'periods'
),

-- Versions of one plan that follow each other are one stretch; a plan that the contract
-- leaves and comes back to holds in each by itself.
placed as (
    select
        *,
        greatest(span_start_at, term_start_at) as stretch_from_at,
        least(span_end_at, term_end_at) as stretch_to_at
    from bounded
    where greatest(span_start_at, term_start_at) < least(span_end_at, term_end_at)
),

neighboured as (
    select
        *,
        lag(stretch_to_at) over (
            partition by holder_id, term_id
            order by stretch_from_at
        ) as stretch_to_at_before
    from placed
),

stretches as (
    select
        *,
        sum(case when stretch_from_at = stretch_to_at_before then 0 else 1 end) over (
            partition by holder_id, term_id
            order by stretch_from_at
        ) as stretch_number
    from neighboured
),

final as (
    select
        holder_id as contract_id,
        term_id,
        min(term_kind) as term_kind,
        min(term_name) as term_name,
        min(term_number) as term_number,
        min(percent) as percent,
        min(quantity) as quantity,
        min(proration) as proration,
        min(commitment_span) as commitment_span,
        min(overage_factor) as overage_factor,
        min(rollover_cap) as rollover_cap,
        min(rollover_periods) as rollover_periods,
        min(product_id) as product_id,
        min(stretch_from_at) as in_force_from_at,
        max(stretch_to_at) as in_force_to_at,
        min(reference_version) as reference_version
    from stretches
    group by holder_id, term_id, stretch_number
)

select * from final
