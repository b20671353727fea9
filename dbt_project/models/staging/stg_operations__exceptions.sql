with source as (
    select * from {{ source('operations', 'exceptions') }}
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
    from source
)

select * from final
