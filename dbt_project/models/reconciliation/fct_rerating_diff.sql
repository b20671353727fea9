with compared as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome in ('candidate', 'billed', 'waived')
),

bases as (
    select * from {{ ref('stg_rerating__bases') }}
),

steps as (
    select * from {{ ref('stg_rerating__steps') }}
),

states as (
    select * from {{ ref('stg_rerating__states') }}
),

-- Contracts of which nothing differs were not rated again, and have no revision here.
settlements as (
    select
        compared.*,
        bases.base_revision_id
    from compared
    inner join bases
        on
            compared.billing_period = bases.billing_period
            and compared.legal_entity_id = bases.legal_entity_id
            and compared.contract_lineage_id = bases.contract_lineage_id
),

-- What is not known bills nothing, so changes nothing; a concession or a waiver counts
-- each time.
placed as (
    select
        settlements.settlement_key,
        settlements.billed_amount,
        settlements.rated_amount,
        steps.step_number,
        case
            when steps.step_number > 0 then steps.cause
            when settlements.is_in_register and not coalesce(states.is_held, false)
                then 'engine_version'
            else 'not_billed_then'
        end as cause,
        case
            when states.settlement_key is null then 0
            when states.is_known then states.rated_amount
        end + settlements.conceded_amount - settlements.waived_amount as known_amount
    from settlements
    inner join steps
        on
            settlements.billing_period = steps.billing_period
            and settlements.legal_entity_id = steps.legal_entity_id
            and settlements.base_revision_id = steps.base_revision_id
    left join states
        on
            settlements.billing_period = states.billing_period
            and settlements.settlement_key = states.settlement_key
            and settlements.base_revision_id = states.base_revision_id
            and steps.step_number = states.step_number
),

carried as (
    select
        *,
        coalesce(
            last_value(known_amount ignore nulls) over (
                partition by settlement_key
                order by step_number
                rows between unbounded preceding and current row
            ),
            billed_amount
        ) as after_amount
    from placed
),

followed as (
    select
        *,
        coalesce(
            lag(after_amount) over (partition by settlement_key order by step_number),
            billed_amount
        ) as before_amount,
        row_number() over (
            partition by settlement_key
            order by step_number desc
        ) as number_from_last
    from carried
),

-- What none of the changes comes to, such as a warehouse that is older than its inputs.
changes as (
    select
        settlement_key,
        step_number as cause_number,
        cause,
        before_amount,
        after_amount
    from followed
    union all
    select
        settlement_key,
        step_number + 1 as cause_number,
        'unexplained' as cause,
        after_amount as before_amount,
        rated_amount as after_amount
    from followed
    where number_from_last = 1
),

final as (
    select
        settlements.billing_period,
        settlements.legal_entity_id,
        settlements.bill_to_customer_id,
        settlements.customer_id,
        settlements.contract_lineage_id,
        settlements.charge_id,
        settlements.line_kind,
        settlements.dimension_key,
        settlements.cell_start_date,
        settlements.cell_end_date,
        settlements.currency_code,
        settlements.settlement_key,
        cast(changes.cause_number as integer) as cause_number,
        changes.cause,
        cast(changes.before_amount as decimal(38, 4)) as before_amount,
        cast(changes.after_amount as decimal(38, 4)) as after_amount,
        cast(changes.after_amount - changes.before_amount as decimal(38, 4))
            as difference_amount
    from changes
    inner join settlements on changes.settlement_key = settlements.settlement_key
    where changes.before_amount <> changes.after_amount
)

select * from final
