-- Catches a document line that was lost or doubled on its way from what is due.
with candidate_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
    where credit_grant_id is null
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome = 'candidate'
),

line_sums as (
    select
        settlement_key,
        sum(amount) as amount
    from candidate_lines
    group by settlement_key
)

select
    settlements.settlement_key,
    settlements.due_amount,
    line_sums.amount
from settlements
full outer join line_sums
    on settlements.settlement_key = line_sums.settlement_key
where settlements.due_amount is distinct from line_sums.amount
