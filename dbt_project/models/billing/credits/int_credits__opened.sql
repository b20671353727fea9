with grants as (
    select * from {{ ref('stg_reference__credit_grants') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('credit_draw', 'credit_restore', 'credit_expire')
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

-- The last whole month before the last load: what a run bills.
runs as (
    select
        {{ add_months('cast(max(started_at) as date)', '-1', '1') }} as run_start_date
    from batches
),

-- What was signed: draws and what expired are negative, what came back is positive.
moved as (
    select
        credit_grant_id,
        sum(amount) as amount,
        sum(quantity) as quantity,
        -sum(amount) filter (where entry_kind = 'credit_expire') as expired_amount,
        -sum(quantity) filter (where entry_kind = 'credit_expire') as expired_quantity,
        sum(breakage_amount) as breakage_amount
    from entries
    group by credit_grant_id
),

-- Credit that went back after the last day opens a grant again that says so.
reopened as (
    select
        grants.credit_grant_id,
        max(cast(entries.signed_at as date) + grants.reopens_for_days) as reopened_until
    from grants
    inner join entries on grants.credit_grant_id = entries.credit_grant_id
    where
        grants.restores_after_expiry = 'reopen'
        and entries.entry_kind = 'credit_restore'
        and cast(entries.signed_at as date) >= grants.expires_on
    group by grants.credit_grant_id
),

closing as (
    select
        grants.credit_grant_id,
        greatest(
            grants.expires_on, coalesce(reopened.reopened_until, grants.expires_on)
        ) as expires_on
    from grants
    left join reopened on grants.credit_grant_id = reopened.credit_grant_id
),

-- Of another unit, currency or customer than was drawn: what is open nobody can say.
changed as (
    select distinct grants.credit_grant_id
    from grants
    inner join contracts on grants.contract_id = contracts.contract_id
    inner join entries on grants.credit_grant_id = entries.credit_grant_id
    where
        coalesce(entries.unit_label, '') <> coalesce(grants.unit, '')
        or entries.contract_lineage_id <> contracts.contract_lineage_id
        or (grants.unit is null and entries.currency_code <> grants.currency_code)
),

final as (
    select
        grants.credit_grant_id,
        coalesce(grants.credit_grant_name, grants.credit_grant_id) as credit_grant_name,
        contracts.contract_lineage_id,
        contracts.customer_id,
        contracts.legal_entity_id,
        grants.credit_kind,
        grants.currency_code,
        grants.unit,
        contracts.currency_code as contract_currency_code,
        grants.is_scoped,
        grants.starts_on,
        closing.expires_on,
        case when grants.draws_by = 'run' then runs.run_start_date end
            as run_start_date,
        grants.restores_after_expiry,
        grants.cost_basis,
        products.erp_item,
        products.revenue_account,
        grants.amount as granted_quantity,
        changed.credit_grant_id is not null as is_changed,
        cast(
            case
                when changed.credit_grant_id is not null
                    then cast(0 as decimal(38, 9))
                when grants.unit is null
                    then
                        grants.amount
                        + cast(coalesce(moved.amount, 0) as decimal(38, 9))
                else
                    grants.amount
                    + cast(coalesce(moved.quantity, 0) as decimal(38, 9))
            end as decimal(38, 9)
        ) as open_quantity,
        cast(
            coalesce(
                case
                    when grants.unit is null
                        then cast(moved.expired_amount as decimal(38, 9))
                    else moved.expired_quantity
                end,
                0
            ) as decimal(38, 9)
        ) as signed_expired_quantity,
        cast(coalesce(moved.breakage_amount, 0) as decimal(38, 4))
            as signed_breakage_amount,
        cast(
            row_number() over (
                partition by contracts.contract_lineage_id
                order by
                    grants.credit_kind asc,
                    grants.priority asc,
                    closing.expires_on asc nulls last,
                    coalesce(grants.cost_basis, cast(0 as decimal(38, 12))) asc,
                    grants.starts_on asc,
                    grants.credit_grant_id asc
            ) as integer
        ) as drawing_number
    from grants
    inner join contracts on grants.contract_id = contracts.contract_id
    inner join closing on grants.credit_grant_id = closing.credit_grant_id
    cross join runs
    left join products on grants.product_id = products.product_id
    left join moved on grants.credit_grant_id = moved.credit_grant_id
    left join changed on grants.credit_grant_id = changed.credit_grant_id
)

select * from final
