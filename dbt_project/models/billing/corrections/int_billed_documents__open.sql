with placed as (
    select * from {{ ref('int_billed_entries__placed') }}
),

documents as (
    select
        settlement_key,
        document_id,
        min(register_sequence) as first_sequence,
        sum(amount) as amount
    from placed
    where document_id is not null and not is_released
    group by settlement_key, document_id
),

lowering as (
    select
        settlement_key,
        amount
    from documents
    where amount < 0
    union all
    select
        settlement_key,
        amount
    from placed
    where document_id is null
),

lowered_keys as (
    select
        settlement_key,
        -sum(amount) as lowered_amount
    from lowering
    group by settlement_key
),

-- What was taken back without naming a document came off the last one first.
counted as (
    select
        documents.settlement_key,
        documents.document_id,
        greatest(documents.amount, 0) as billed_amount,
        greatest(coalesce(lowered_keys.lowered_amount, 0), 0) as lowered_amount,
        coalesce(
            sum(greatest(documents.amount, 0)) over (
                partition by documents.settlement_key
                order by documents.first_sequence desc, documents.document_id desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as billed_later_amount,
        row_number() over (
            partition by documents.settlement_key
            order by documents.first_sequence, documents.document_id
        ) as document_place
    from documents
    left join lowered_keys on documents.settlement_key = lowered_keys.settlement_key
),

final as (
    select
        settlement_key,
        document_id,
        cast(document_place as integer) as document_place,
        cast(
            billed_amount - least(
                greatest(lowered_amount - billed_later_amount, 0), billed_amount
            ) as decimal(38, 4)
        ) as open_amount
    from counted
)

select * from final
