with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

counted_events as (
    select * from {{ ref('int_events__counted') }}
    where contract_id is null
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
    where set_aside_reason = 'conflicting'
),

unresolved as (
    select * from {{ ref('int_usage__unresolved') }}
),

assigned as (
    select * from {{ ref('int_usage__assigned') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where exception_code is not null
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

troubled_deliveries as (
    select * from {{ ref('int_deliveries__troubled') }}
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
    where state in ('rejected', 'unknown')
),

grants as (
    select * from {{ ref('int_credits__opened') }}
),

credit_balances as (
    select * from {{ ref('fct_credit_balances') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('credit_draw', 'credit_restore', 'credit_expire')
),

guides as (
    {% for code, steward, what_to_do in exception_guides() -%}
    select
        '{{ code }}' as exception_code,
        '{{ steward }}' as steward,
        '{{ what_to_do }}' as what_to_do
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

known_until as (
    select cast(max(started_at) as date) as known_until_date
    from batches
),

unresolved_texts as (
    select
        resolution_code,
        system_id,
        subject,
        usage_month,
        count(*) as meter_count,
        max(quantity) as only_quantity,
        max(unit) as only_unit
    from unresolved
    group by resolution_code, system_id, subject, usage_month
),

-- Every event that no contract takes, once, whatever number of meters counts it.
unresolved_events as (
    select
        counted_events.resolution_code as exception_code,
        'subject' as object_kind,
        counted_events.system_id || ' ' || counted_events.subject as object_id,
        cast(null as varchar) as legal_entity_id,
        max(counted_events.customer_id) as customer_id,
        {{ month_text('counted_events.local_date') }} as billing_period,
        max(
            case
                when
                    unresolved_texts.meter_count = 1
                    then unresolved_texts.only_quantity
            end
        )
            as quantity_at_risk,
        max(
            case
                when unresolved_texts.meter_count = 1 then unresolved_texts.only_unit
            end
        )
            as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        cast(sum(counted_events.event_count) as bigint) as event_count,
        min(counted_events.local_date) as first_seen_date
    from counted_events
    left join unresolved_texts
        on
            counted_events.resolution_code = unresolved_texts.resolution_code
            and counted_events.system_id = unresolved_texts.system_id
            and counted_events.subject = unresolved_texts.subject
            and {{ month_text('counted_events.local_date') }}
            = unresolved_texts.usage_month
    group by
        counted_events.resolution_code,
        counted_events.system_id,
        counted_events.subject,
        {{ month_text('counted_events.local_date') }}
),

-- A meter that two contracts charge at once, of a subject that is itself resolved.
ambiguous_meters as (
    select
        resolution_code as exception_code,
        'meter' as object_kind,
        system_id || ' ' || subject || ' ' || meter_id as object_id,
        cast(null as varchar) as legal_entity_id,
        max(customer_id) as customer_id,
        usage_month as billing_period,
        cast(sum(quantity) as decimal(38, 9)) as quantity_at_risk,
        max(unit) as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        cast(sum(event_count) as bigint) as event_count,
        min(first_usage_date) as first_seen_date
    from unresolved
    where resolution_code = 'ambiguous_contract'
    group by
        resolution_code,
        system_id,
        subject,
        meter_id,
        usage_month
),

unpriced_usage as (
    select
        'unpriced_usage' as exception_code,
        'meter' as object_kind,
        assigned.contract_id || ' ' || assigned.meter_id as object_id,
        max(contracts.legal_entity_id) as legal_entity_id,
        max(assigned.customer_id) as customer_id,
        {{ month_text('assigned.unpriced_month') }} as billing_period,
        cast(
            case
                when
                    bool_or({{ is_sum_of_events('meters') }})
                    then sum(assigned.quantity)
            end as decimal(38, 9)
        ) as quantity_at_risk,
        max(meters.unit) as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        cast(sum(assigned.event_count) as bigint) as event_count,
        min(assigned.first_usage_date) as first_seen_date
    from assigned
    inner join contracts on assigned.contract_id = contracts.contract_id
    inner join meters on assigned.meter_id = meters.meter_id
    where assigned.charge_id is null
    group by
        assigned.contract_id,
        assigned.meter_id,
        {{ month_text('assigned.unpriced_month') }}
),

unvalued_usage as (
    select
        'unvalued_usage' as exception_code,
        'meter' as object_kind,
        assigned.contract_id || ' ' || assigned.meter_id as object_id,
        max(contracts.legal_entity_id) as legal_entity_id,
        max(assigned.customer_id) as customer_id,
        {{ month_text('assigned.first_usage_date') }} as billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        max(meters.unit) as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        cast(sum(assigned.unvalued_event_count) as bigint) as event_count,
        min(assigned.first_usage_date) as first_seen_date
    from assigned
    inner join contracts on assigned.contract_id = contracts.contract_id
    inner join meters on assigned.meter_id = meters.meter_id
    where assigned.unvalued_event_count > 0
    group by
        assigned.contract_id,
        assigned.meter_id,
        {{ month_text('assigned.first_usage_date') }}
),

held_quantities as (
    select
        settlement_key,
        max(unit) as unit,
        cast(sum(quantity) as decimal(38, 9)) as quantity,
        cast(sum(event_count) as bigint) as event_count,
        min(segment_start_date) as first_service_date
    from rated_lines
    where rating_status = 'unknown'
    group by settlement_key
),

held_keys as (
    select
        settlements.exception_code,
        'settlement_key' as object_kind,
        settlements.settlement_key as object_id,
        settlements.legal_entity_id,
        settlements.customer_id,
        settlements.billing_period,
        held_quantities.quantity as quantity_at_risk,
        held_quantities.unit,
        case
            when
                settlements.is_rated
                then settlements.computed_amount - settlements.billed_amount
            else settlements.billed_amount
        end as amount_at_risk,
        settlements.currency_code,
        held_quantities.event_count,
        coalesce(held_quantities.first_service_date, settlements.cell_start_date)
            as first_seen_date
    from settlements
    left join
        held_quantities
        on settlements.settlement_key = held_quantities.settlement_key
),

conflicts as (
    select
        'conflicting_events' as exception_code,
        'subject' as object_kind,
        event_source || ' ' || subject as object_id,
        cast(null as varchar) as legal_entity_id,
        cast(null as varchar) as customer_id,
        {{ month_text('event_date') }} as billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        cast(null as varchar) as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        count(*) as event_count,
        min(event_date) as first_seen_date
    from set_aside
    group by event_source, subject, {{ month_text('event_date') }}
),

undelivered as (
    select
        exception_code,
        object_kind,
        object_id,
        cast(null as varchar) as legal_entity_id,
        cast(null as varchar) as customer_id,
        billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        cast(null as varchar) as unit,
        cast(null as decimal(38, 4)) as amount_at_risk,
        cast(null as varchar) as currency_code,
        event_count,
        first_seen_date
    from troubled_deliveries
),

failed_postings as (
    select
        case state when 'rejected' then 'posting_rejected' else 'posting_unknown' end
            as exception_code,
        'document' as object_kind,
        document_id as object_id,
        legal_entity_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        cast(null as varchar) as unit,
        amount as amount_at_risk,
        currency_code,
        cast(null as bigint) as event_count,
        cast(updated_at as date) as first_seen_date
    from postings
),

-- Credit that nothing can draw any more: the lineage bills in another currency now, or
-- more was drawn than the grant holds, or its row is gone.
lineages as (
    select
        contract_lineage_id,
        max_by(currency_code, start_date) as currency_code,
        max_by(legal_entity_id, start_date) as legal_entity_id,
        max_by(customer_id, start_date) as customer_id
    from contracts
    group by contract_lineage_id
),

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
        cast(-sum(entries.amount) as decimal(38, 4)) as amount_at_risk,
        max(entries.currency_code) as currency_code,
        cast(null as bigint) as event_count,
        min(cast(entries.signed_at as date)) as first_seen_date
    from entries
    left join grants on entries.credit_grant_id = grants.credit_grant_id
    where coalesce(grants.is_changed, true)
    group by entries.credit_grant_id
),

found as (
    select * from unresolved_events
    union all
    select * from ambiguous_meters
    union all
    select * from unpriced_usage
    union all
    select * from unvalued_usage
    union all
    select * from held_keys
    union all
    select * from conflicts
    union all
    select * from undelivered
    union all
    select * from failed_postings
    union all
    select * from stranded_grants
    union all
    select * from lost_grants
),

final as (
    select
        {{ content_id([
            'found.exception_code',
            'found.object_kind',
            'found.object_id',
            'found.billing_period',
        ]) }} as exception_id,
        found.exception_code,
        coalesce(guides.steward, 'integration') as steward,
        found.object_kind,
        found.object_id,
        found.legal_entity_id,
        found.customer_id,
        found.billing_period,
        found.quantity_at_risk,
        found.unit,
        cast(found.amount_at_risk as decimal(38, 4)) as amount_at_risk,
        found.currency_code,
        found.event_count,
        found.first_seen_date,
        greatest(
            {{ days_between('found.first_seen_date', 'known_until.known_until_date') }},
            0
        )
            as age_days,
        coalesce(guides.what_to_do, 'Look at the object that is named.') as what_to_do
    from found
    left join guides on found.exception_code = guides.exception_code
    cross join known_until
)

select * from final
