with source as (
    select * from {{ source('register', 'exception_waivers') }}
),

final as (
    select
        cast(waiver_id as varchar) as waiver_id,
        cast(exception_id as varchar) as exception_id,
        cast(exception_code as varchar) as exception_code,
        cast(object_kind as varchar) as object_kind,
        cast(object_id as varchar) as object_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(billing_period as varchar) as billing_period,
        cast(amount_at_risk as decimal(38, 4)) as amount_at_risk,
        cast(currency_code as varchar) as currency_code,
        cast(waived_by as varchar) as waived_by,
        cast(waived_by_source as varchar) as waived_by_source,
        cast(run_id as varchar) as run_id,
        cast(reason as varchar) as reason,
        cast(waived_until_date as date) as waived_until_date,
        cast(waived_at as timestamp) as waived_at,
        cast(withdrawn_by as varchar) as withdrawn_by,
        cast(ended_at as timestamp) as ended_at
    from source
)

select * from final
