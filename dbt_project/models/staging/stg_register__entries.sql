with source as (
    select * from {{ source('register', 'register_entries') }}
),

final as (
    select
        cast(register_sequence as bigint) as register_sequence,
        cast(manifest_sha256 as varchar) as manifest_sha256,
        cast(entry_number as integer) as entry_number,
        cast(entry_kind as varchar) as entry_kind,
        cast(settlement_key as varchar) as settlement_key,
        cast(contract_lineage_id as varchar) as contract_lineage_id,
        cast(charge_id as varchar) as charge_id,
        cast(line_kind as varchar) as line_kind,
        cast(cell_start_date as date) as cell_start_date,
        cast(cell_end_date as date) as cell_end_date,
        cast(dimension_key as varchar) as dimension_key,
        cast(customer_id as varchar) as customer_id,
        cast(bill_to_customer_id as varchar) as bill_to_customer_id,
        cast(legal_entity_id as varchar) as legal_entity_id,
        cast(currency_code as varchar) as currency_code,
        cast(tax_profile as varchar) as tax_profile,
        cast(erp_item as varchar) as erp_item,
        cast(revenue_account as varchar) as revenue_account,
        cast(document_id as varchar) as document_id,
        cast(document_kind as varchar) as document_kind,
        cast(posting_key as varchar) as posting_key,
        cast(original_document_id as varchar) as original_document_id,
        cast(line_number as integer) as line_number,
        cast(billing_period as varchar) as billing_period,
        cast(rated_line_id as varchar) as rated_line_id,
        cast(service_start_at as timestamp) as service_start_at,
        cast(service_end_at as timestamp) as service_end_at,
        cast(description as varchar) as description,
        cast(quantity as decimal(38, 9)) as quantity,
        cast(unit_label as varchar) as unit_label,
        cast(unit_price_display as varchar) as unit_price_display,
        cast(rated_amount as decimal(38, 4)) as rated_amount,
        cast(billed_before as decimal(38, 4)) as billed_before,
        cast(amount as decimal(38, 4)) as amount,
        cast(cause as varchar) as cause,
        cast(event_count as bigint) as event_count,
        cast(digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        cast(credit_grant_id as varchar) as credit_grant_id,
        cast(reference_version as varchar) as reference_version,
        cast(revision_id as varchar) as revision_id,
        cast(signer as varchar) as signer,
        cast(signed_at as timestamp) as signed_at,
        cast(note as varchar) as note
    from source
)

select * from final
