with standing as (
    select * from {{ ref('fct_exceptions') }}
),

recorded as (
    select * from {{ ref('stg_operations__exceptions') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

-- The last change of what this build was made from. The same inputs give the same
-- instant, so building again changes no row.
changes as (
    select committed_at as changed_at
    from batches
    union all
    select loaded_at as changed_at
    from {{ ref('stg_operations__reference_versions') }}
    union all
    select signed_at as changed_at
    from {{ ref('stg_register__entries') }}
    union all
    select coalesce(ended_at, waived_at) as changed_at
    from {{ ref('stg_register__exception_waivers') }}
    union all
    select updated_at as changed_at
    from {{ ref('stg_operations__postings') }}
),

last_change as (
    select max(changed_at) as known_at
    from changes
),

last_batch as (
    select coalesce(max(ingestion_batch_id), 0) as known_batch_id
    from batches
),

known as (
    select
        coalesce(last_change.known_at, timestamp '1970-01-01 00:00:00') as known_at,
        last_batch.known_batch_id
    from last_change
    cross join last_batch
),

still_standing as (
    select
        standing.exception_id,
        standing.exception_code,
        standing.steward,
        standing.object_kind,
        standing.object_id,
        standing.object_name,
        standing.legal_entity_id,
        standing.customer_id,
        customers.customer_name,
        standing.billing_period,
        standing.state,
        standing.quantity_at_risk,
        standing.unit,
        standing.amount_at_risk,
        standing.currency_code,
        standing.event_count,
        standing.first_seen_date,
        standing.what_to_do,
        coalesce(recorded.opened_at, known.known_at) as opened_at,
        coalesce(recorded.opened_batch_id, known.known_batch_id) as opened_batch_id,
        known.known_at as last_seen_at,
        known.known_batch_id as last_seen_batch_id,
        cast(null as timestamp) as resolved_at,
        cast(null as integer) as resolved_batch_id,
        case
            when recorded.resolved_at is not null then known.known_at
            else recorded.reopened_at
        end as reopened_at,
        coalesce(recorded.reopened_count, 0)
        + case when recorded.resolved_at is not null then 1 else 0 end
            as reopened_count
    from standing
    cross join known
    left join recorded on standing.exception_id = recorded.exception_id
    left join customers on standing.customer_id = customers.customer_id
),

-- What no longer stands keeps the figures with which it last stood.
no_longer_standing as (
    select
        recorded.exception_id,
        recorded.exception_code,
        recorded.steward,
        recorded.object_kind,
        recorded.object_id,
        recorded.object_name,
        recorded.legal_entity_id,
        recorded.customer_id,
        recorded.customer_name,
        recorded.billing_period,
        'resolved' as state,
        recorded.quantity_at_risk,
        recorded.unit,
        recorded.amount_at_risk,
        recorded.currency_code,
        recorded.event_count,
        recorded.first_seen_date,
        recorded.what_to_do,
        recorded.opened_at,
        recorded.opened_batch_id,
        recorded.last_seen_at,
        recorded.last_seen_batch_id,
        coalesce(recorded.resolved_at, known.known_at) as resolved_at,
        coalesce(recorded.resolved_batch_id, known.known_batch_id) as resolved_batch_id,
        recorded.reopened_at,
        recorded.reopened_count
    from recorded
    cross join known
    left join standing on recorded.exception_id = standing.exception_id
    where standing.exception_id is null
),

ever_found as (
    select * from still_standing
    union all
    select * from no_longer_standing
),

final as (
    select
        cast(exception_id as varchar) as exception_id,
        cast(exception_code as varchar) as exception_code,
        cast(steward as varchar) as steward,
        cast(object_kind as varchar) as object_kind,
        cast(object_id as varchar) as object_id,
        cast(object_name as varchar) as object_name,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(customer_id as varchar) as customer_id,
        cast(customer_name as varchar) as customer_name,
        cast(billing_period as varchar) as billing_period,
        cast(state as varchar) as state,
        cast(quantity_at_risk as decimal(38, 9)) as quantity_at_risk,
        cast(unit as varchar) as unit,
        cast(amount_at_risk as decimal(38, 4)) as amount_at_risk,
        cast(currency_code as varchar) as currency_code,
        cast(event_count as bigint) as event_count,
        cast(first_seen_date as date) as first_seen_date,
        cast(what_to_do as varchar) as what_to_do,
        cast(opened_at as timestamp) as opened_at,
        cast(opened_batch_id as integer) as opened_batch_id,
        cast(last_seen_at as timestamp) as last_seen_at,
        cast(last_seen_batch_id as integer) as last_seen_batch_id,
        cast(resolved_at as timestamp) as resolved_at,
        cast(resolved_batch_id as integer) as resolved_batch_id,
        cast(reopened_at as timestamp) as reopened_at,
        cast(reopened_count as integer) as reopened_count
    from ever_found
)

select * from final
