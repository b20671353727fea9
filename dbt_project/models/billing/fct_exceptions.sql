with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
    where set_aside_reason = 'conflicting'
),

troubled_usage as (
    select * from {{ ref('int_usage__troubled') }}
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
    where state in ('rejected', 'unknown', 'abandoned')
),

troubled_credits as (
    select * from {{ ref('int_credits__troubled') }}
),

releases as (
    select distinct original_document_id as document_id
    from {{ ref('stg_register__entries') }}
    where entry_kind = 'release'
),

waivers as (
    select * from {{ ref('stg_register__exception_waivers') }}
),

age_limits as (
    select * from {{ ref('stg_policy__exception_age_limits') }}
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
        case postings.state
            when 'rejected' then 'posting_rejected'
            when 'abandoned' then 'posting_abandoned'
            else 'posting_unknown'
        end as exception_code,
        'document' as object_kind,
        postings.document_id as object_id,
        postings.legal_entity_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as billing_period,
        cast(null as decimal(38, 9)) as quantity_at_risk,
        cast(null as varchar) as unit,
        postings.amount as amount_at_risk,
        postings.currency_code,
        cast(null as bigint) as event_count,
        cast(postings.updated_at as date) as first_seen_date
    from postings
    anti join releases on postings.document_id = releases.document_id
),

found as (
    select * from troubled_usage
    union all
    select * from held_keys
    union all
    select * from conflicts
    union all
    select * from undelivered
    union all
    select * from failed_postings
    union all
    select * from troubled_credits
),

identified as (
    select
        {{ content_id([
            'found.exception_code',
            'found.object_kind',
            'found.object_id',
            'found.billing_period',
        ]) }} as exception_id,
        found.*,
        coalesce(guides.steward, 'integration') as steward,
        coalesce(guides.what_to_do, 'Look at the object that is named.') as what_to_do
    from found
    left join guides on found.exception_code = guides.exception_code
),

-- A held charge is known by its charge and cell; its key says nothing to people.
charges as (
    select
        settlement_key,
        charge_id
        || case when dimension_key in ('', '{}') then '' else ' ' || dimension_key end
        || ' from '
        || cast(cell_start_date as varchar) as object_name
    from settlements
),

waivers_in_force as (
    select
        waivers.exception_id,
        waivers.waived_by,
        waivers.reason,
        waivers.waived_until_date,
        waivers.amount_at_risk
    from waivers
    cross join known_until
    where
        waivers.ended_at is null
        and waivers.waived_until_date >= known_until.known_until_date
),

default_limit as (
    select age_limit_days
    from age_limits
    where limit_for = 'default'
),

aged as (
    select
        identified.*,
        greatest(
            {{ days_between(
                'identified.first_seen_date', 'known_until.known_until_date'
            ) }},
            0
        ) as age_days,
        coalesce(
            of_code.age_limit_days,
            of_steward.age_limit_days,
            default_limit.age_limit_days
        ) as age_limit_days
    from identified
    cross join known_until
    left join age_limits as of_code on identified.exception_code = of_code.limit_for
    left join age_limits as of_steward on identified.steward = of_steward.limit_for
    left join default_limit on true
),

final as (
    select
        aged.exception_id,
        aged.exception_code,
        aged.steward,
        aged.object_kind,
        aged.object_id,
        case
            when aged.object_kind = 'settlement_key'
                then coalesce(charges.object_name, aged.object_id)
            else aged.object_id
        end as object_name,
        aged.legal_entity_id,
        aged.customer_id,
        aged.billing_period,
        case when waivers_in_force.exception_id is null then 'open' else 'waived' end
            as state,
        aged.quantity_at_risk,
        aged.unit,
        cast(aged.amount_at_risk as decimal(38, 4)) as amount_at_risk,
        aged.currency_code,
        aged.event_count,
        aged.first_seen_date,
        aged.age_days,
        aged.age_limit_days,
        coalesce(
            waivers_in_force.exception_id is null
            and aged.age_days > aged.age_limit_days,
            false
        ) as is_overdue,
        aged.what_to_do,
        waivers_in_force.waived_by,
        waivers_in_force.reason as waived_because,
        waivers_in_force.waived_until_date,
        cast(waivers_in_force.amount_at_risk as decimal(38, 4)) as waived_amount
    from aged
    left join charges on aged.object_id = charges.settlement_key
    left join
        waivers_in_force
        on aged.exception_id = waivers_in_force.exception_id
)

select * from final
