{{ config(materialized='view') }}

with entries as (
    select * from {{ ref('stg_register__entries') }}
    where
        settlement_key is not null
        and entry_kind in ('bill', 'correct', 'release', 'external', 'concession')
),

summed as (
    select
        *,
        sum(amount) over (partition by document_id) as document_amount
    from entries
),

-- An invoice is a document to be paid, whatever it corrects; all else belongs to the
-- document that it lowers.
final as (
    select
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        register_sequence,
        entry_kind,
        amount,
        case
            when entry_kind in ('bill', 'correct') and document_amount > 0
                then document_id
            else coalesce(original_document_id, document_id)
        end as document_id
    from summed
)

select * from final
