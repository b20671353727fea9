{%- set bill = bill_of_cell_parts() -%}

with settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome = 'candidate'
),

billed_documents as (
    select * from {{ ref('int_billed_documents__open') }}
),

entries as (
    select * from {{ ref('int_billed_entries__placed') }}
    where not is_released
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

-- What is due on top corrects the first document of its key, or is on a new one.
topped as (
    select
        settlements.settlement_key,
        coalesce(first_documents.document_id, '') as document_id,
        settlements.due_amount as amount
    from settlements
    left join first_documents
        on settlements.settlement_key = first_documents.settlement_key
    where settlements.due_amount > 0
),

-- What lowers others, as a cap does, comes off what is billed for the contract's cell:
-- the new document first, then the last one signed.
lowering as (
    select
        settlements.settlement_key,
        {% for part in bill -%}
        settlements.{{ part }},
        {% endfor -%}
        coalesce(taken_keys.amount, 0) - settlements.due_amount as lowering_amount,
        coalesce(
            sum(coalesce(taken_keys.amount, 0) - settlements.due_amount) over (
                partition by settlements.{{ bill | join(', settlements.') }}
                order by settlements.settlement_key
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as lowered_before
    from settlements
    left join taken_keys on settlements.settlement_key = taken_keys.settlement_key
    where
        settlements.due_amount < 0
        and settlements.due_amount < coalesce(taken_keys.amount, 0)
),

keys as (
    select
        settlement_key,
        {{ bill | join(',\n        ') }}
    from settlements
    union
    select
        settlement_key,
        {{ bill | join(',\n        ') }}
    from entries
),

moved as (
    select * from taken
    union all
    select * from topped
),

changes as (
    select
        document_id,
        settlement_key,
        amount,
        register_sequence
    from entries
    union all
    select
        document_id,
        settlement_key,
        amount,
        cast(null as bigint) as register_sequence
    from moved
),

standing as (
    select
        changes.document_id,
        {% for part in bill -%}
        keys.{{ part }},
        {% endfor -%}
        sum(changes.amount) as open_amount,
        min(changes.register_sequence) as first_sequence
    from changes
    inner join keys on changes.settlement_key = keys.settlement_key
    where
        changes.document_id = ''
        or changes.document_id in (
            select billed_documents.document_id from billed_documents
        )
    group by changes.document_id, keys.{{ bill | join(', keys.') }}
    having sum(changes.amount) > 0
),

stacked as (
    select
        *,
        coalesce(
            sum(open_amount) over (
                partition by {{ bill | join(', ') }}
                order by first_sequence desc nulls first, document_id desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as open_before
    from standing
),

lowered as (
    select
        lowering.settlement_key,
        stacked.document_id,
        cast(
            greatest(lowering.lowered_before, stacked.open_before) - least(
                lowering.lowered_before + lowering.lowering_amount,
                stacked.open_before + stacked.open_amount
            ) as decimal(38, 4)
        ) as amount
    from lowering
    inner join stacked
        on
            {% for part in bill -%}
            {{ 'and ' if not loop.first }}lowering.{{ part }} = stacked.{{ part }}
            {% endfor -%}
            and lowering.lowered_before < stacked.open_before + stacked.open_amount
            and lowering.lowered_before + lowering.lowering_amount > stacked.open_before
),

taken_off as (
    select * from taken
    union all
    select * from lowered
),

taken_off_keys as (
    select
        settlement_key,
        sum(amount) as amount
    from taken_off
    group by settlement_key
),

-- What nothing is left for goes below zero on the first document of its key.
rest as (
    select
        settlements.settlement_key,
        coalesce(first_documents.document_id, '') as document_id,
        cast(
            settlements.due_amount - coalesce(taken_off_keys.amount, 0)
            as decimal(38, 4)
        ) as amount
    from settlements
    left join taken_off_keys
        on settlements.settlement_key = taken_off_keys.settlement_key
    left join first_documents
        on settlements.settlement_key = first_documents.settlement_key
    where
        settlements.due_amount < 0
        and settlements.due_amount <> coalesce(taken_off_keys.amount, 0)
),

placed as (
    select * from taken_off
    union all
    select * from topped
    union all
    select * from rest
),

-- Of a key that was never billed, nothing is a correction that corrects no document; of
-- one that was waived, what comes on top is told apart.
corrected_keys as (
    select settlement_key
    from settlements
    where is_in_register or waived_amount <> 0
    union
    select settlement_key
    from lowered
    where document_id <> ''
),

final as (
    select
        placed.settlement_key,
        nullif(placed.document_id, '') as original_document_id,
        cast(sum(placed.amount) as decimal(38, 4)) as amount
    from placed
    semi join corrected_keys on placed.settlement_key = corrected_keys.settlement_key
    group by placed.settlement_key, placed.document_id
)

select * from final
