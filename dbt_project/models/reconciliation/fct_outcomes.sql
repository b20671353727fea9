with expected_charges as (
    select * from {{ ref('int_charges__expected') }}
    where is_due
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome <> 'not_due'
),

candidate_lines as (
    select * from {{ ref('int_candidates__charged') }}
),

expected as (
    select
        contract_lineage_id,
        charge_id,
        cell_start_date,
        cell_end_date,
        min(legal_entity_id) as legal_entity_id,
        min(billing_period) as billing_period
    from expected_charges
    group by contract_lineage_id, charge_id, cell_start_date, cell_end_date
),

candidates as (
    select
        settlement_key,
        cast(sum(amount) as decimal(38, 4)) as candidate_amount
    from candidate_lines
    group by settlement_key
),

reached as (
    select
        settlements.contract_lineage_id,
        settlements.charge_id,
        settlements.cell_start_date,
        settlements.cell_end_date,
        min(settlements.legal_entity_id) as legal_entity_id,
        min(settlements.billing_period) as billing_period,
        min(settlements.currency_code) as currency_code,
        count(*) as settlement_key_count,
        bool_or(settlements.is_rated) as is_rated,
        bool_or(settlements.outcome = 'held') as has_held,
        bool_or(
            settlements.outcome = 'candidate' and candidates.settlement_key is not null
        ) as has_candidate,
        bool_or(
            settlements.outcome = 'candidate' and candidates.settlement_key is null
        ) as has_carried,
        bool_or(settlements.outcome = 'out_of_window') as has_out_of_window,
        bool_or(settlements.outcome = 'waived') as has_waived,
        bool_or(settlements.outcome = 'billed') as has_billed,
        min(settlements.exception_code) as exception_code,
        cast(sum(settlements.rated_amount) as decimal(38, 4)) as rated_amount,
        cast(sum(settlements.billed_amount) as decimal(38, 4)) as billed_amount,
        cast(coalesce(sum(candidates.candidate_amount), 0) as decimal(38, 4))
            as candidate_amount,
        cast(
            sum(
                case
                    when settlements.outcome = 'held'
                        then settlements.computed_amount - settlements.billed_amount
                end
            ) as decimal(38, 4)
        ) as held_amount,
        cast(
            coalesce(
                sum(settlements.due_amount) filter (
                    where
                    settlements.outcome = 'candidate'
                    and candidates.settlement_key is null
                ),
                0
            ) as decimal(38, 4)
        ) as carried_amount,
        cast(sum(settlements.waived_amount) as decimal(38, 4)) as waived_amount,
        cast(
            coalesce(sum(settlements.out_of_window_amount), 0) as decimal(38, 4)
        ) as out_of_window_amount
    from settlements
    left join candidates on settlements.settlement_key = candidates.settlement_key
    group by
        settlements.contract_lineage_id,
        settlements.charge_id,
        settlements.cell_start_date,
        settlements.cell_end_date
),

final as (
    select
        {{ content_id([
            'coalesce(expected.contract_lineage_id, reached.contract_lineage_id)',
            'coalesce(expected.charge_id, reached.charge_id)',
            'coalesce(expected.cell_start_date, reached.cell_start_date)',
            'coalesce(expected.cell_end_date, reached.cell_end_date)',
        ]) }} as outcome_id,
        coalesce(expected.contract_lineage_id, reached.contract_lineage_id)
            as contract_lineage_id,
        coalesce(expected.charge_id, reached.charge_id) as charge_id,
        coalesce(expected.cell_start_date, reached.cell_start_date) as cell_start_date,
        coalesce(expected.cell_end_date, reached.cell_end_date) as cell_end_date,
        coalesce(expected.legal_entity_id, reached.legal_entity_id) as legal_entity_id,
        coalesce(expected.billing_period, reached.billing_period) as billing_period,
        expected.charge_id is not null as is_expected,
        coalesce(reached.is_rated, false) as is_rated,
        case
            when reached.charge_id is null then 'missing'
            when reached.has_held then 'held'
            when reached.has_candidate then 'candidate'
            when reached.has_carried then 'carried'
            when reached.has_out_of_window then 'out_of_window'
            when reached.has_waived then 'waived'
            when reached.has_billed then 'billed'
            else 'proven_zero'
        end as outcome,
        reached.exception_code,
        coalesce(reached.settlement_key_count, 0) as settlement_key_count,
        reached.currency_code,
        reached.rated_amount,
        reached.billed_amount,
        reached.candidate_amount,
        reached.held_amount,
        reached.carried_amount,
        reached.waived_amount,
        reached.out_of_window_amount
    from expected
    full outer join reached
        on
            expected.contract_lineage_id = reached.contract_lineage_id
            and expected.charge_id = reached.charge_id
            and expected.cell_start_date = reached.cell_start_date
            and expected.cell_end_date = reached.cell_end_date
)

select * from final
