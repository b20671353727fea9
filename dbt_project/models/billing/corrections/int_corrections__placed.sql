with settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome = 'candidate' and is_in_register
),

billed_documents as (
    select * from {{ ref('int_billed_documents__open') }}
),

first_documents as (
    select
        settlement_key,
        document_id
    from billed_documents
    where document_place = 1
),

-- What is taken back comes off the last document first, and leaves none below zero.
offered as (
    select
        settlements.settlement_key,
        billed_documents.document_id,
        -settlements.due_amount as taken_amount,
        billed_documents.open_amount,
        coalesce(
            sum(billed_documents.open_amount) over (
                partition by settlements.settlement_key
                order by billed_documents.document_place desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as offered_amount
    from settlements
    inner join billed_documents
        on settlements.settlement_key = billed_documents.settlement_key
    where settlements.due_amount < 0
),

taken as (
    select
        settlement_key,
        document_id,
        cast(
            -least(open_amount, taken_amount - offered_amount) as decimal(38, 4)
        ) as amount
    from offered
    where open_amount > 0 and offered_amount < taken_amount
),

taken_keys as (
    select
        settlement_key,
        sum(amount) as amount
    from taken
    group by settlement_key
),

-- What is due on top, or was never billed above zero, corrects the first document.
added as (
    select
        settlements.settlement_key,
        first_documents.document_id,
        cast(
            settlements.due_amount - coalesce(taken_keys.amount, 0) as decimal(38, 4)
        ) as amount
    from settlements
    left join taken_keys on settlements.settlement_key = taken_keys.settlement_key
    left join first_documents
        on settlements.settlement_key = first_documents.settlement_key
    where settlements.due_amount <> coalesce(taken_keys.amount, 0)
),

placed as (
    select * from taken
    union all
    select * from added
),

final as (
    select
        settlement_key,
        document_id as original_document_id,
        cast(sum(amount) as decimal(38, 4)) as amount
    from placed
    group by settlement_key, document_id
)

select * from final
