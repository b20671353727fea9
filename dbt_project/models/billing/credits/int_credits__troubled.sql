{{ config(materialized='view') }}

with grants as (
    select * from {{ ref('int_credits__opened') }}
),

credit_balances as (
    select * from {{ ref('fct_credit_balances') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('credit_draw', 'credit_restore', 'credit_expire')
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

lineages as (
    select
        contract_lineage_id,
        max_by(currency_code, start_date) as currency_code,
        max_by(legal_entity_id, start_date) as legal_entity_id,
        max_by(customer_id, start_date) as customer_id
    from contracts
    group by contract_lineage_id
),

-- Credit that nothing can draw any more: the lineage bills in another currency now, or
-- more was drawn than the grant holds.
stranded_grants as (
    select
        case
            when grants.open_quantity < 0 then 'grant_below_draws'
            else 'grant_in_another_currency'
        end as exception_code,
        'credit_grant' as object_kind,
        grants.credit_grant_id as object_id,
        lineages.legal_entity_id,
        lineages.customer_id,
        cast(null as varchar) as billing_period,
        case
            when grants.unit is not null then abs(credit_balances.open_quantity)
        end as quantity_at_risk,
        grants.unit,
        case
            when grants.unit is null
                then cast(abs(credit_balances.open_quantity) as decimal(38, 4))
        end as amount_at_risk,
        grants.currency_code,
        cast(null as bigint) as event_count,
        grants.starts_on as first_seen_date
    from grants
    inner join credit_balances
        on grants.credit_grant_id = credit_balances.credit_grant_id
    inner join lineages on grants.contract_lineage_id = lineages.contract_lineage_id
    where
        grants.open_quantity < 0
        or (
            grants.currency_code <> lineages.currency_code
            and credit_balances.open_quantity > 0
        )
),

-- What was drawn of grants whose row is gone, or says something else now.
lost_grants as (
    select
        case
            when max(grants.credit_grant_id) is null then 'grant_missing'
            else 'grant_changed'
        end as exception_code,
        'credit_grant' as object_kind,
        entries.credit_grant_id as object_id,
        max(entries.legal_entity_id) as legal_entity_id,
        max(entries.customer_id) as customer_id,
        cast(null as varchar) as billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        cast(null as varchar) as unit,
        cast(
            -coalesce(
                sum(entries.amount) filter (
                    where entries.entry_kind <> 'credit_expire'
                ),
                0
            ) as decimal(38, 4)
        ) as amount_at_risk,
        max(entries.currency_code) as currency_code,
        cast(null as bigint) as event_count,
        min(cast(entries.signed_at as date)) as first_seen_date
    from entries
    left join grants on entries.credit_grant_id = grants.credit_grant_id
    where coalesce(grants.is_changed, entries.entry_kind <> 'credit_expire')
    group by entries.credit_grant_id
),

final as (
    select * from stranded_grants
    union all
    select * from lost_grants
)

select * from final
