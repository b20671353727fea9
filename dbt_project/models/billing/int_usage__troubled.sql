{{ config(materialized='view') }}

with counted_events as (
    select * from {{ ref('int_events__counted') }}
    where contract_id is null
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

final as (
    select * from unresolved_events
    union all
    select * from ambiguous_meters
    union all
    select * from unpriced_usage
    union all
    select * from unvalued_usage
)

select * from final
