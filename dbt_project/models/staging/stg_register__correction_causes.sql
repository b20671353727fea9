with source as (
    select * from {{ source('register', 'correction_causes') }}
),

final as (
    select
        cast(register_sequence as bigint) as register_sequence,
        cast(revision_id as varchar) as revision_id,
        cast(document_id as varchar) as document_id,
        cast(line_number as integer) as line_number,
        cast(settlement_key as varchar) as settlement_key,
        cast(cause_number as integer) as cause_number,
        cast(cause as varchar) as cause,
        cast(correction_kind as varchar) as correction_kind,
        cast(amount as decimal(38, 4)) as amount,
        cast(currency_code as varchar) as currency_code
    from source
)

select * from final
