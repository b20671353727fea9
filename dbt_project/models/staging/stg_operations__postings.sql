with source as (
    select * from {{ source('operations', 'postings') }}
),

final as (
    select
        cast(posting_key as varchar) as posting_key,
        cast(document_id as varchar) as document_id,
        cast(revision_id as varchar) as revision_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(erp as varchar) as erp,
        cast(state as varchar) as state,
        cast(payload_sha256 as varchar) as payload_sha256,
        cast(document_number as varchar) as document_number,
        cast(erp_document_id as varchar) as erp_document_id,
        cast(amount as decimal(38, 4)) as amount,
        cast(currency_code as varchar) as currency_code,
        cast(updated_at as timestamp) as updated_at,
        cast(error_code as varchar) as error_code,
        cast(error_detail as varchar) as error_detail
    from source
)

select * from final
