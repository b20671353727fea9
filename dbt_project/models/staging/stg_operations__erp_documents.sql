with source as (
    select * from {{ source('operations', 'erp_documents') }}
),

final as (
    select
        cast(posting_key as varchar) as posting_key,
        cast(erp_document_id as varchar) as erp_document_id,
        cast(document_number as varchar) as document_number,
        cast(status as varchar) as status,
        cast(total_amount as decimal(38, 4)) as total_amount,
        cast(balance_amount as decimal(38, 4)) as balance_amount,
        cast(currency_code as varchar) as currency_code,
        cast(customer_id as varchar) as customer_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(lines as varchar) as lines,
        cast(read_at as timestamp) as read_at
    from source
)

select * from final
