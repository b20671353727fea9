{{ config(materialized='view') }}

with entries as (
    select * from {{ ref('stg_register__entries') }}
    where
        settlement_key is not null
        and entry_kind in ('bill', 'correct', 'release', 'external', 'concession')
),

documents as (
    select
        document_id,
        min(original_document_id) as original_document_id,
        sum(amount) as amount
    from entries
    where entry_kind in ('bill', 'correct')
    group by document_id
),

released as (
    select distinct original_document_id as document_id
    from entries
    where entry_kind = 'release'
),

-- An invoice is a document to be paid, whatever it corrects; all else belongs to the
-- document that it lowers.
document_places as (
    select
        documents.document_id,
        case
            when documents.amount > 0 then documents.document_id
            else coalesce(documents.original_document_id, documents.document_id)
        end as placed_document_id
    from documents
),

placed as (
    select
        entries.*,
        case
            when entries.entry_kind in ('bill', 'correct', 'release')
                then document_places.placed_document_id
            else entries.original_document_id
        end as placed_document_id
    from entries
    left join document_places
        on
            case
                when entries.entry_kind = 'release' then entries.original_document_id
                else entries.document_id
            end
            = document_places.document_id
),

final as (
    select
        placed.settlement_key,
        placed.{{ settlement_key_parts() | join(',\n        placed.') }},
        placed.register_sequence,
        placed.entry_kind,
        placed.amount,
        placed.placed_document_id as document_id,
        released.document_id is not null as is_released
    from placed
    left join released on placed.placed_document_id = released.document_id
)

select * from final
