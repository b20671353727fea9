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

-- What was signed: draws and what expired are negative, what came back is positive.
moved as (
    select
        credit_grant_id,
        sum(amount) as amount,
        sum(quantity) as quantity
    from entries
    group by credit_grant_id
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
        contracts.legal_entity_id,
        grants.credit_kind,
        grants.currency_code,
        grants.unit,
        contracts.currency_code as contract_currency_code,
        grants.is_scoped,
        grants.starts_on,
        grants.expires_on,
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
            row_number() over (
                partition by contracts.contract_lineage_id
                order by
                    grants.credit_kind asc,
                    grants.priority asc,
                    grants.expires_on asc nulls last,
                    coalesce(grants.cost_basis, cast(0 as decimal(38, 12))) asc,
                    grants.starts_on asc,
                    grants.credit_grant_id asc
            ) as integer
        ) as drawing_number
    from grants
    inner join contracts on grants.contract_id = contracts.contract_id
    left join products on grants.product_id = products.product_id
    left join moved on grants.credit_grant_id = moved.credit_grant_id
    left join changed on grants.credit_grant_id = changed.credit_grant_id
)

select * from final
