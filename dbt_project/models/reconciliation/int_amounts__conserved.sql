with left_out as (
    select * from {{ ref('stg_rerating__left_out') }}
),

rated_lines as (
    select lines.* from {{ ref('fct_rated_lines') }} as lines
    anti join left_out on lines.contract_lineage_id = left_out.contract_lineage_id
),

line_tiers as (
    select * from {{ ref('fct_rated_line_tiers') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome <> 'not_due'
),

documents as (
    select * from {{ ref('fct_invoice_candidates') }}
),

document_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
),

expected_charges as (
    select * from {{ ref('int_charges__expected') }}
    where is_due
),

outcomes as (
    select * from {{ ref('fct_outcomes') }}
),

entries as (
    select entries.* from {{ ref('stg_register__entries') }} as entries
    anti join left_out on entries.contract_lineage_id = left_out.contract_lineage_id
),

charged as (
    select * from {{ ref('int_candidates__charged') }}
),

moved_credits as (
    select * from {{ ref('int_credits__moved') }}
),

credit_ledger as (
    select * from {{ ref('fct_credit_ledger') }}
),

-- 5. Lines against their tiers, documents against their lines.
tier_sums as (
    select
        rated_line_id,
        sum(amount) as amount
    from line_tiers
    group by rated_line_id
),

lines_and_tiers as (
    select
        rated_lines.currency_code,
        rated_lines.amount,
        coalesce(tier_sums.amount, 0) as part_amount
    from rated_lines
    left join tier_sums on rated_lines.rated_line_id = tier_sums.rated_line_id
    where
        rated_lines.amount is not null
        and rated_lines.line_kind in ('usage', 'fee')
),

document_sums as (
    select
        document_id,
        sum(amount) as amount
    from document_lines
    group by document_id
),

documents_and_lines as (
    select
        documents.currency_code,
        documents.amount,
        coalesce(document_sums.amount, 0) as part_amount
    from documents
    left join document_sums on documents.document_id = document_sums.document_id
),

wholes as (
    select * from lines_and_tiers
    union all
    select * from documents_and_lines
),

wholes_and_parts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        count(*) as left_figure,
        count(*) filter (where amount = part_amount) as right_figure
    from wholes
    group by currency_code
),

line_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(amount) as left_figure,
        sum(part_amount) as right_figure
    from lines_and_tiers
    group by currency_code
),

document_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(amount) as left_figure,
        sum(part_amount) as right_figure
    from documents_and_lines
    group by currency_code
),

-- 6. Contracts, plans and cells say what is expected; rating says what came of it.
expected_by_period as (
    select
        billing_period,
        count(distinct {{ content_id(
            ['contract_lineage_id', 'charge_id', 'cell_start_date', 'cell_end_date']
        ) }}) as expected_count
    from expected_charges
    group by billing_period
),

reached_by_period as (
    select
        billing_period,
        count(*) filter (where is_rated) as reached_count,
        count(*) filter (where is_expected <> is_rated) as broken_count
    from outcomes
    group by billing_period
),

expected_outcomes as (
    select
        'billing_period' as scope_kind,
        coalesce(expected_by_period.billing_period, reached_by_period.billing_period)
            as scope_id,
        coalesce(expected_by_period.expected_count, 0) as left_figure,
        coalesce(reached_by_period.reached_count, 0) as right_figure,
        coalesce(reached_by_period.broken_count, 0) as broken_count
    from expected_by_period
    full outer join reached_by_period
        on expected_by_period.billing_period = reached_by_period.billing_period
),

-- … and per settlement key, rated = billed + candidate + held + carried + waived + out
-- of window, less what was conceded.
charged_keys as (
    select distinct settlement_key
    from document_lines
    where credit_grant_id is null
),

key_amounts as (
    select
        settlement_key,
        currency_code,
        coalesce(computed_amount, 0) as rated_amount,
        0 as settled_amount
    from rated_lines
    where is_due
    union all
    select
        settlement_key,
        currency_code,
        0 as rated_amount,
        amount as settled_amount
    from entries
    where entry_kind in ('bill', 'correct', 'release', 'external', 'concession')
    union all
    select
        settlement_key,
        currency_code,
        0 as rated_amount,
        amount as settled_amount
    from document_lines
    where credit_grant_id is null
    union all
    select
        settlements.settlement_key,
        settlements.currency_code,
        0 as rated_amount,
        case settlements.outcome
            when 'held'
                then
                    coalesce(settlements.computed_amount, 0)
                    - settlements.billed_amount
            when 'out_of_window'
                then settlements.out_of_window_amount + settlements.waived_amount
            when 'candidate'
                then
                    case
                        when charged_keys.settlement_key is null
                            then settlements.due_amount
                        else 0
                    end + settlements.waived_amount
            else settlements.waived_amount
        end
        - case
            when settlements.outcome = 'held' then 0
            else settlements.conceded_amount
        end as settled_amount
    from settlements
    left join charged_keys on settlements.settlement_key = charged_keys.settlement_key
),

key_balances as (
    select
        settlement_key,
        currency_code,
        sum(rated_amount) as rated_amount,
        sum(settled_amount) as settled_amount
    from key_amounts
    group by settlement_key, currency_code
),

settled_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(rated_amount) as left_figure,
        sum(settled_amount) as right_figure,
        count(*) filter (where rated_amount <> settled_amount) as broken_count
    from key_balances
    group by currency_code
),

-- What is due is on documents, or is paid by credits, less what goes back to them.
paid_amounts as (
    select
        currency_code,
        amount as due_amount,
        0 as paid_amount
    from charged
    union all
    select
        currency_code,
        0 as due_amount,
        amount as paid_amount
    from documents
    union all
    select
        currency_code,
        0 as due_amount,
        paid_amount
    from moved_credits
),

due_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(due_amount) as left_figure,
        sum(paid_amount) as right_figure
    from paid_amounts
    group by currency_code
),

-- Accounts of a grant sum to zero, and no candidate draws more than signatures left.
grant_balances as (
    select
        credit_grant_id,
        min(measure) as measure,
        -sum(case when account = 'granted' then quantity else 0 end)
            as granted_quantity,
        sum(case when account <> 'granted' then quantity else 0 end)
            as held_quantity,
        sum(case when account = 'open' then quantity else 0 end) as open_quantity,
        sum(
            case
                when account = 'open' and movement_state <> 'candidate' then quantity
                else 0
            end
        ) as signed_open_quantity
    from credit_ledger
    group by credit_grant_id
),

granted_credits as (
    select
        'measure' as scope_kind,
        measure as scope_id,
        sum(granted_quantity) as left_figure,
        sum(held_quantity) as right_figure,
        count(*) filter (
            where
            granted_quantity <> held_quantity
            or open_quantity < least(signed_open_quantity, 0)
        ) as broken_count
    from grant_balances
    group by measure
),

final as (
    {{ conserved_figures('int_amounts__conserved') }}
)

select * from final
