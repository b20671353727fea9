with grants as (
    select * from {{ ref('int_credits__opened') }}
),

moved as (
    select * from {{ ref('int_credits__moved') }}
),

candidates as (
    select distinct
        document_id,
        billing_period
    from {{ ref('int_candidates__charged') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('credit_draw', 'credit_restore', 'credit_expire')
),

expiring as (
    select * from {{ ref('int_credits__expiring') }}
),

granted as (
    select
        credit_grant_id,
        'granted' as movement_kind,
        'reference' as movement_state,
        credit_grant_id as movement_source_id,
        starts_on as moved_on,
        cast(null as varchar) as document_id,
        cast(null as varchar) as settlement_key,
        granted_quantity as quantity,
        cast(null as decimal(38, 4)) as amount
    from grants
),

signed as (
    select
        entries.credit_grant_id,
        case entries.entry_kind
            when 'credit_draw' then 'drawn'
            when 'credit_restore' then 'restored'
            else 'expired'
        end as movement_kind,
        'signed' as movement_state,
        cast(entries.register_sequence as varchar)
        || '/' || cast(entries.entry_number as varchar) as movement_source_id,
        cast(entries.signed_at as date) as moved_on,
        entries.document_id,
        entries.settlement_key,
        cast(
            abs(
                case
                    when grants.unit is null
                        then cast(entries.amount as decimal(38, 9))
                    else entries.quantity
                end
            ) as decimal(38, 9)
        ) as quantity,
        case
            when entries.entry_kind <> 'credit_expire'
                then cast(abs(entries.amount) as decimal(38, 4))
        end as amount
    from entries
    inner join grants on entries.credit_grant_id = grants.credit_grant_id
),

-- Of a candidate, nobody has signed it; it is drawn anew with every rating.
proposed as (
    select
        moved.credit_grant_id,
        moved.movement_kind,
        'candidate' as movement_state,
        moved.document_id || '/' || moved.settlement_key as movement_source_id,
        {{ last_day_of_month('candidates.billing_period') }} as moved_on,
        moved.document_id,
        moved.settlement_key,
        cast(
            abs(
                case
                    when moved.unit is null
                        then cast(moved.paid_amount as decimal(38, 9))
                    else moved.paid_quantity
                end
            ) as decimal(38, 9)
        ) as quantity,
        cast(abs(moved.paid_amount) as decimal(38, 4)) as amount
    from moved
    inner join candidates on moved.document_id = candidates.document_id
),

-- What is left after the last day, until a signature says that it expired.
expired as (
    select
        credit_grant_id,
        'expired' as movement_kind,
        'by_date' as movement_state,
        credit_grant_id as movement_source_id,
        expires_on as moved_on,
        cast(null as varchar) as document_id,
        cast(null as varchar) as settlement_key,
        quantity,
        cast(null as decimal(38, 4)) as amount
    from expiring
),

movements as (
    select * from granted
    union all
    select * from signed
    union all
    select * from proposed
    union all
    select * from expired
),

-- Every movement leaves one account and enters another.
sides as (
    select
        movement_kind,
        account,
        sign
    from (
        values
        ('granted', 'granted', -1),
        ('granted', 'open', 1),
        ('drawn', 'open', -1),
        ('drawn', 'drawn', 1),
        ('restored', 'drawn', -1),
        ('restored', 'open', 1),
        ('expired', 'open', -1),
        ('expired', 'expired', 1)
    ) as listed (movement_kind, account, sign)
),

final as (
    select
        {{ content_id([
            'movements.credit_grant_id',
            'movements.movement_kind',
            'movements.movement_state',
            'movements.movement_source_id',
        ]) }} as movement_id,
        sides.account,
        movements.credit_grant_id,
        grants.contract_lineage_id,
        grants.credit_kind,
        movements.movement_kind,
        movements.movement_state,
        movements.moved_on,
        movements.document_id,
        movements.settlement_key,
        coalesce(grants.unit, grants.currency_code) as measure,
        cast(sides.sign * movements.quantity as decimal(38, 9)) as quantity,
        grants.contract_currency_code as currency_code,
        cast(sides.sign * movements.amount as decimal(38, 4)) as amount
    from movements
    inner join grants on movements.credit_grant_id = grants.credit_grant_id
    inner join sides on movements.movement_kind = sides.movement_kind
)

select * from final
