with grants as (
    select * from {{ ref('int_credits__opened') }}
),

moved as (
    select * from {{ ref('int_credits__moved') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

unbilled as (
    select * from {{ ref('fct_unbilled_amounts') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

known_until as (
    select cast(max(started_at) as date) as known_until_date
    from batches
),

-- What may draw yet: lines that are not due, or are held or carried.
waiting as (
    select
        contract_lineage_id,
        segment_start_date as service_start_date
    from rated_lines
    where not is_due or rating_status = 'unknown'
    union all
    select
        contract_lineage_id,
        cell_start_date as service_start_date
    from unbilled
    where bucket in ('held', 'carried')
),

awaited as (
    select
        contract_lineage_id,
        min(service_start_date) as awaited_from_date
    from waiting
    group by contract_lineage_id
),

-- What goes back to a grant that is reopened by it stays open.
candidates as (
    select
        moved.credit_grant_id,
        sum(
            case
                when grants.unit is null
                    then cast(moved.paid_amount as decimal(38, 9))
                else moved.paid_quantity
            end
        ) as quantity
    from moved
    inner join grants on moved.credit_grant_id = grants.credit_grant_id
    where moved.movement_kind = 'drawn' or grants.restores_after_expiry = 'forfeit'
    group by moved.credit_grant_id
),

closed as (
    select
        grants.*,
        currencies.minor_unit,
        cast(
            grants.open_quantity - coalesce(candidates.quantity, 0) as decimal(38, 9)
        ) as quantity
    from grants
    cross join known_until
    inner join currencies on grants.contract_currency_code = currencies.currency_code
    left join candidates on grants.credit_grant_id = candidates.credit_grant_id
    left join awaited on grants.contract_lineage_id = awaited.contract_lineage_id
    where
        grants.expires_on <= known_until.known_until_date
        and coalesce(awaited.awaited_from_date >= grants.expires_on, true)
        and grants.open_quantity > coalesce(candidates.quantity, 0)
),

-- Rounded over all that ever expired of a grant, so that it adds up to what was paid.
valued as (
    select
        *,
        {{ multiply(
            'signed_expired_quantity + quantity', 'coalesce(cost_basis, 0)', 12
        ) }} as broken
    from closed
),

final as (
    select
        credit_grant_id,
        credit_grant_name,
        credit_kind,
        contract_lineage_id,
        customer_id,
        legal_entity_id,
        contract_currency_code as currency_code,
        unit as unit_label,
        expires_on,
        quantity,
        cast(
            {{ rounded_to_minor_unit('broken', 'minor_unit') }}
            - signed_breakage_amount
            as decimal(38, 4)
        ) as breakage_amount
    from valued
)

select * from final
