with charged as (
    select
        *,
        sum(amount) over (partition by document_id) as document_amount
    from {{ ref('int_candidates__charged') }}
    where original_document_id is not null
),

paid as (
    select * from {{ ref('int_credits__paid') }}
),

entries as (
    select * from {{ ref('int_billed_entries__placed') }}
),

grants as (
    select * from {{ ref('int_credits__opened') }}
    where not is_changed
),

-- Of an invoice nothing goes back: it is to be paid.
lowering as (
    select * from charged
    where document_amount <= 0
),

corrections as (
    select distinct
        document_id,
        original_document_id
    from lowering
),

-- What a document comes to after this correction, over all that was signed about it.
amounts as (
    select
        document_id,
        settlement_key,
        contract_lineage_id,
        amount
    from entries
    union all
    select
        original_document_id as document_id,
        settlement_key,
        contract_lineage_id,
        amount
    from lowering
),

key_amounts as (
    select
        document_id,
        settlement_key,
        sum(amount) as amount
    from amounts
    group by document_id, settlement_key
),

contract_amounts as (
    select
        document_id,
        contract_lineage_id,
        sum(amount) as amount
    from amounts
    group by document_id, contract_lineage_id
),

document_amounts as (
    select
        document_id,
        sum(amount) as amount
    from amounts
    group by document_id
),

-- In units of 10^-4 of the currency; the last draw of a document goes back first.
payments as (
    select
        paid.*,
        corrections.document_id as correction_id,
        grants.credit_grant_name,
        grants.credit_kind,
        grants.drawing_number,
        grants.unit,
        {{ scaled_integer('paid.paid_amount', 4) }} as paid_units,
        {{ scaled_integer('coalesce(key_amounts.amount, 0)', 4) }} as key_units,
        {{ scaled_integer('coalesce(contract_amounts.amount, 0)', 4) }}
            as contract_units,
        {{ scaled_integer('coalesce(document_amounts.amount, 0)', 4) }}
            as document_units,
        row_number() over (
            order by
                paid.document_id asc,
                paid.line_number desc,
                paid.settlement_key desc,
                paid.credit_grant_id desc
        ) as key_number
    from paid
    inner join corrections on paid.document_id = corrections.original_document_id
    inner join grants on paid.credit_grant_id = grants.credit_grant_id
    left join key_amounts
        on
            paid.document_id = key_amounts.document_id
            and paid.settlement_key = key_amounts.settlement_key
    left join contract_amounts
        on
            paid.document_id = contract_amounts.document_id
            and paid.contract_lineage_id = contract_amounts.contract_lineage_id
    left join document_amounts on paid.document_id = document_amounts.document_id
),

-- Credit pays no more than is owed for a key …
within_keys as (
    select
        *,
        paid_units - {{ beyond_owed(
            'paid_units', 'key_units', ['document_id', 'settlement_key']
        ) }} as left_for_keys
    from payments
),

-- … of a contract on a document …
within_contracts as (
    select
        *,
        left_for_keys - {{ beyond_owed(
            'left_for_keys', 'contract_units', ['document_id', 'contract_lineage_id']
        ) }} as left_for_contracts
    from within_keys
),

-- … and for all of the document.
within_documents as (
    select
        *,
        left_for_contracts - {{ beyond_owed(
            'left_for_contracts', 'document_units', ['document_id']
        ) }} as left_units
    from within_contracts
),

measured as (
    select
        *,
        paid_units - left_units as restored_units,
        {{ scaled_integer('paid_quantity', 9) }} as quantity_units
    from within_documents
    where left_units < paid_units
),

final as (
    select
        correction_id as document_id,
        document_id as original_document_id,
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        rated_line_id,
        service_start_date,
        service_end_date,
        service_start_at,
        service_end_at,
        credit_grant_id,
        credit_grant_name,
        credit_kind,
        drawing_number,
        unit,
        description,
        {{ from_scaled_integer('restored_units', 4) }} as restored_amount,
        case
            when unit is not null
                then {{ from_scaled_integer(
                    rounded_quotient(
                        checked('quantity_units * restored_units'),
                        'paid_units',
                        "'half_away'"
                    ),
                    9
                ) }}
        end as restored_quantity
    from measured
)

select * from final
