{%- set bill = bill_of_cell_parts() -%}

with left_out as (
    select * from {{ ref('stg_rerating__left_out') }}
),

rated_lines as (
    select lines.* from {{ ref('fct_rated_lines') }} as lines
    anti join left_out on lines.contract_lineage_id = left_out.contract_lineage_id
),

entries as (
    select entries.* from {{ ref('stg_register__entries') }} as entries
    anti join left_out on entries.contract_lineage_id = left_out.contract_lineage_id
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

terms as (
    select * from {{ ref('stg_price_book__terms') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

paid as (
    select * from {{ ref('int_credits__paid') }}
),

grants as (
    select * from {{ ref('int_credits__opened') }}
),

correction_rules as (
    select * from {{ ref('int_correction_rules__stated') }}
),

rated as (
    select
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        min(billing_period) as billing_period,
        bool_or(is_due) as is_due,
        min(exception_code) as exception_code,
        bool_or(rating_status = 'unknown') as is_unknown,
        cast(sum(amount) as decimal(38, 4)) as rated_amount,
        cast(sum(computed_amount) as decimal(38, 4)) as computed_amount,
        bool_or(computed_amount is null) as is_uncomputed
    from rated_lines
    group by
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }}
),

-- What was billed counts every kind that changes it; buckets and credits do not.
billed as (
    select
        settlement_key,
        {% for part in settlement_key_parts() -%}
        min({{ part }}) as {{ part }},
        {% endfor -%}
        max_by(billing_period, register_sequence) as billing_period,
        cast(sum(amount) as decimal(38, 4)) as billed_amount,
        cast(
            coalesce(
                sum(amount) filter (where entry_kind = 'concession'), 0
            ) as decimal(38, 4)
        ) as conceded_in_all,
        min(service_start_at) as service_start_at,
        max(service_end_at) as service_end_at
    from entries
    where
        settlement_key is not null
        and entry_kind in ('bill', 'correct', 'release', 'external', 'concession')
    group by settlement_key
),

-- What finance signed not to bill, such as an amount too small for a document.
waived as (
    select
        settlement_key,
        cast(sum(amount) as decimal(38, 4)) as waived_amount
    from entries
    where entry_kind in ('waive', 'carry_close')
    group by settlement_key
),

-- Paid by credit whose grant is gone or changed, so that nothing can go back to it.
paid_by_lost_credit as (
    select distinct paid.settlement_key
    from paid
    left join grants on paid.credit_grant_id = grants.credit_grant_id
    where coalesce(grants.is_changed, true)
),

lineages as (
    select
        contract_lineage_id,
        min(start_date) as start_date,
        max(coalesce(end_date, date '9999-12-31')) as end_date
    from contracts
    group by contract_lineage_id
),

charge_ids as (
    select charge_id
    from charges
    union
    select term_id as charge_id
    from terms
),

covered_cells as (
    select distinct
        cells.contract_lineage_id,
        cells.cell_start_date,
        cells.cell_end_date
    from cells
    inner join contract_versions
        on
            cells.contract_id = contract_versions.contract_id
            and cells.cell_end_date > contract_versions.effective_from_date
            and (
                contract_versions.effective_to_date is null
                or cells.cell_start_date < contract_versions.effective_to_date
            )
),

unknown_charges as (
    select distinct
        contract_lineage_id,
        charge_id,
        cell_start_date
    from rated
    where is_unknown
),

-- A key that no longer rates is compared only where today's contracts say why: a lost
-- file, a lost charge or a moved cell never credits anything.
vanished as (
    select
        billed.settlement_key,
        lineages.contract_lineage_id is not null
        and charge_ids.charge_id is not null
        and unknown_charges.charge_id is null
        and (
            covered_cells.contract_lineage_id is not null
            or billed.cell_start_date >= lineages.end_date
            or billed.cell_end_date <= lineages.start_date
        ) as is_known
    from billed
    left join rated on billed.settlement_key = rated.settlement_key
    left join lineages on billed.contract_lineage_id = lineages.contract_lineage_id
    left join charge_ids on billed.charge_id = charge_ids.charge_id
    left join unknown_charges
        on
            billed.contract_lineage_id = unknown_charges.contract_lineage_id
            and billed.charge_id = unknown_charges.charge_id
            and billed.cell_start_date = unknown_charges.cell_start_date
    left join covered_cells
        on
            billed.contract_lineage_id = covered_cells.contract_lineage_id
            and billed.cell_start_date = covered_cells.cell_start_date
            and billed.cell_end_date = covered_cells.cell_end_date
    where rated.settlement_key is null
),

-- A cell that was billed stands: its days are not billed again in a cell cut otherwise.
moved_cells as (
    select distinct
        rated.contract_lineage_id,
        rated.charge_id,
        rated.cell_start_date,
        rated.cell_end_date
    from rated
    inner join billed
        on
            rated.contract_lineage_id = billed.contract_lineage_id
            and rated.charge_id = billed.charge_id
            and rated.cell_start_date < billed.cell_end_date
            and rated.cell_end_date > billed.cell_start_date
    where
        billed.billed_amount <> 0
        and (
            rated.cell_start_date <> billed.cell_start_date
            or rated.cell_end_date <> billed.cell_end_date
        )
),

joined as (
    select
        coalesce(rated.settlement_key, billed.settlement_key) as settlement_key,
        {% for part in settlement_key_parts() -%}
        case
            when rated.settlement_key is null then billed.{{ part }}
            else rated.{{ part }}
        end as {{ part }},
        {% endfor -%}
        coalesce(billed.billing_period, rated.billing_period) as billing_period,
        rated.settlement_key is not null as is_rated,
        billed.settlement_key is not null as is_in_register,
        coalesce(rated.is_due, true) as is_due,
        case
            when rated.settlement_key is not null
                then not rated.is_unknown and moved_cells.charge_id is null
            else vanished.is_known
        end as is_known,
        case
            when rated.exception_code is not null then rated.exception_code
            when moved_cells.charge_id is not null then 'cell_moved'
            when not vanished.is_known then 'billed_key_not_rated'
        end as exception_code,
        case when rated.settlement_key is null then 0 else rated.rated_amount end
            as rated_amount,
        case when not rated.is_uncomputed then rated.computed_amount end
            as computed_amount,
        coalesce(billed.billed_amount, 0) as billed_amount,
        coalesce(billed.conceded_in_all, 0) as conceded_in_all,
        billed.service_start_at as billed_service_start_at,
        billed.service_end_at as billed_service_end_at
    from rated
    full outer join billed on rated.settlement_key = billed.settlement_key
    left join vanished on billed.settlement_key = vanished.settlement_key
    left join moved_cells
        on
            rated.contract_lineage_id = moved_cells.contract_lineage_id
            and rated.charge_id = moved_cells.charge_id
            and rated.cell_start_date = moved_cells.cell_start_date
            and rated.cell_end_date = moved_cells.cell_end_date
),

-- A concession lowers rated and billed alike: a re-rating does not bill it back, nor
-- pays out what is no longer there to concede.
owed as (
    select
        joined.*,
        case
            when joined.is_known
                then
                    greatest(
                        joined.rated_amount + joined.conceded_in_all,
                        least(joined.rated_amount, 0)
                    )
        end as owed_amount,
        coalesce(waived.waived_amount, 0) as waived_in_all,
        paid_by_lost_credit.settlement_key is not null as is_paid_by_lost_credit,
        coalesce(
            joined.billing_period < correction_rules.first_open_period, false
        ) as is_out_of_window
    from joined
    cross join correction_rules
    left join waived on joined.settlement_key = waived.settlement_key
    left join paid_by_lost_credit
        on joined.settlement_key = paid_by_lost_credit.settlement_key
),

-- Of what was signed as waived, no more counts than there is to bill or to credit.
lowered as (
    select
        *,
        case
            when waived_in_all > 0
                then least(waived_in_all, greatest(owed_amount - billed_amount, 0))
            else greatest(waived_in_all, least(owed_amount - billed_amount, 0))
        end as waived_amount
    from owed
),

-- Bills of a cell that were lowered by what is not known now, such as a lost maximum.
lost_lowering as (
    select distinct
        {{ bill | join(',\n        ') }}
    from joined
    where billed_amount < 0 and not is_known
),

-- What credit paid goes back to its grant, and never back in money. Nothing is taken
-- back of a bill that may have been lowered already.
compared as (
    select
        lowered.*,
        lowered.owed_amount - lowered.waived_amount as net_amount,
        coalesce(
            lowered.is_due
            and lowered.is_known
            and lowered.owed_amount - lowered.waived_amount < lowered.billed_amount,
            false
        )
        and lowered.is_paid_by_lost_credit as is_to_restore,
        coalesce(
            lowered.is_due
            and lowered.is_known
            and lowered.owed_amount - lowered.waived_amount < lowered.billed_amount,
            false
        )
        and lost_lowering.contract_lineage_id is not null as is_dependent
    from lowered
    left join lost_lowering
        on
            {% for part in bill -%}
            {{ 'and ' if not loop.first }}lowered.{{ part }} = lost_lowering.{{ part }}
            {% endfor -%}
            and lowered.is_due
),

judged as (
    select
        *,
        case
            when not is_due then 'not_due'
            when not is_known or is_to_restore or is_dependent then 'held'
            when net_amount <> billed_amount and is_out_of_window then 'out_of_window'
            when net_amount <> billed_amount then 'candidate'
            when waived_amount <> 0 then 'waived'
            when is_in_register then 'billed'
            else 'proven_zero'
        end as outcome
    from compared
),

final as (
    select
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        billing_period,
        is_rated,
        is_in_register,
        is_due,
        case
            when is_to_restore then 'credit_to_restore'
            when is_dependent then 'depends_on_held'
            else exception_code
        end as exception_code,
        cast(net_amount as decimal(38, 4)) as rated_amount,
        cast(computed_amount as decimal(38, 4)) as computed_amount,
        cast(billed_amount as decimal(38, 4)) as billed_amount,
        cast(coalesce(owed_amount - rated_amount, 0) as decimal(38, 4))
            as conceded_amount,
        cast(coalesce(waived_amount, 0) as decimal(38, 4)) as waived_amount,
        cast(
            case
                when outcome not in ('not_due', 'held', 'out_of_window')
                    then net_amount - billed_amount
            end as decimal(38, 4)
        ) as due_amount,
        cast(
            case when outcome = 'out_of_window' then net_amount - billed_amount end
            as decimal(38, 4)
        ) as out_of_window_amount,
        outcome,
        billed_service_start_at,
        billed_service_end_at
    from judged
)

select * from final
