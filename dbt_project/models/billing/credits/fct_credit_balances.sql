with grants as (
    select * from {{ ref('int_credits__opened') }}
),

ledger as (
    select * from {{ ref('fct_credit_ledger') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

balances as (
    select
        credit_grant_id,
        sum(quantity) filter (
            where account = 'drawn' and movement_state = 'signed'
        ) as signed_quantity,
        sum(quantity) filter (
            where account = 'drawn' and movement_state = 'candidate'
        ) as candidate_quantity,
        sum(quantity) filter (where account = 'expired') as expired_quantity,
        sum(quantity) filter (where account = 'open') as open_quantity
    from ledger
    group by credit_grant_id
),

-- What was paid for what expired stays with the seller: breakage, of purchases alone.
valued as (
    select
        grants.*,
        currencies.minor_unit,
        cast(coalesce(balances.signed_quantity, 0) as decimal(38, 9))
            as signed_quantity,
        cast(coalesce(balances.candidate_quantity, 0) as decimal(38, 9))
            as candidate_quantity,
        cast(coalesce(balances.expired_quantity, 0) as decimal(38, 9))
            as expired_quantity,
        cast(coalesce(balances.open_quantity, 0) as decimal(38, 9)) as left_quantity,
        {{ multiply('grants.granted_quantity', 'coalesce(grants.cost_basis, 0)', 12) }}
            as paid,
        {{ multiply(
            'coalesce(balances.expired_quantity, 0)',
            'coalesce(grants.cost_basis, 0)',
            12,
        ) }} as broken
    from grants
    inner join currencies on grants.contract_currency_code = currencies.currency_code
    left join balances on grants.credit_grant_id = balances.credit_grant_id
),

final as (
    select
        credit_grant_id,
        credit_grant_name,
        contract_lineage_id,
        credit_kind,
        coalesce(unit, currency_code) as measure,
        starts_on,
        expires_on,
        granted_quantity,
        signed_quantity,
        candidate_quantity,
        expired_quantity,
        left_quantity as open_quantity,
        contract_currency_code as currency_code,
        {{ rounded_to_minor_unit('paid', 'minor_unit') }} as paid_amount,
        {{ rounded_to_minor_unit('broken', 'minor_unit') }} as breakage_amount
    from valued
)

select * from final
