-- Catches draws of candidates beyond what a grant holds, and movements whose two sides
-- differ.
with ledger as (
    select * from {{ ref('fct_credit_ledger') }}
),

balances as (
    select * from {{ ref('fct_credit_balances') }}
),

unequal_movements as (
    select
        credit_grant_id,
        sum(quantity) as quantity
    from ledger
    group by credit_grant_id, movement_id
    having sum(quantity) <> 0
),

overdrawn as (
    select
        credit_grant_id,
        open_quantity as quantity
    from balances
    where open_quantity < 0 and candidate_quantity > 0
)

select * from unequal_movements
union all
select * from overdrawn
