with settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome = 'candidate'
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

-- Packages that are counted on the total are what a customer buys, not what they hold.
rated_lines as (
    select
        lines.*,
        case
            when lines.charge_model = 'package' and charges.package_counting = 'total'
                then 'package'
            else lines.unit_label
        end as sold_unit
    from {{ ref('fct_rated_lines') }} as lines
    left join charges on lines.charge_price_id = charges.charge_price_id
),

explanations as (
    select * from {{ ref('fct_line_explanations') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
),

-- The first bill of a key has a line per rated line; a later difference is one line.
new_lines as (
    select
        settlements.settlement_key,
        rated_lines.rated_line_id,
        rated_lines.charge_name,
        rated_lines.segment_start_date as service_start_date,
        rated_lines.segment_end_date as service_end_date,
        rated_lines.service_start_at,
        rated_lines.service_end_at,
        explanations.description,
        rated_lines.priced_quantity as quantity,
        rated_lines.sold_unit as unit_label,
        explanations.unit_price_display,
        rated_lines.amount,
        'new' as cause,
        rated_lines.event_count,
        rated_lines.digest_sum_1,
        rated_lines.digest_sum_2
    from settlements
    inner join rated_lines on settlements.settlement_key = rated_lines.settlement_key
    inner join
        explanations
        on rated_lines.rated_line_id = explanations.rated_line_id
    where not settlements.is_in_register and rated_lines.amount <> 0
),

rated_keys as (
    select
        settlement_key,
        min_by(rated_line_id, service_start_at) as rated_line_id,
        min(charge_name) as charge_name,
        min(segment_start_date) as service_start_date,
        max(segment_end_date) as service_end_date,
        min(service_start_at) as service_start_at,
        max(service_end_at) as service_end_at,
        sum(priced_quantity) as priced_quantity,
        min(sold_unit) as unit_label,
        cast(sum(event_count) as bigint) as event_count,
        sum(digest_sum_1) as digest_sum_1,
        sum(digest_sum_2) as digest_sum_2
    from rated_lines
    group by settlement_key
),

last_entries as (
    select
        settlement_key,
        max_by(rated_line_id, register_sequence) as rated_line_id,
        max_by(description, register_sequence) as description,
        max_by(unit_label, register_sequence) as unit_label
    from entries
    where entry_kind in ('bill', 'correct')
    group by settlement_key
),

corrections as (
    select
        settlements.settlement_key,
        coalesce(rated_keys.rated_line_id, last_entries.rated_line_id) as rated_line_id,
        coalesce(rated_keys.charge_name, settlements.charge_id) as charge_name,
        coalesce(rated_keys.service_start_date, settlements.cell_start_date)
            as service_start_date,
        coalesce(rated_keys.service_end_date, settlements.cell_end_date)
            as service_end_date,
        coalesce(rated_keys.service_start_at, settlements.billed_service_start_at)
            as service_start_at,
        coalesce(rated_keys.service_end_at, settlements.billed_service_end_at)
            as service_end_at,
        substr(
            'Correction: ' || coalesce(
                explanations.description,
                last_entries.description,
                settlements.charge_id
            ),
            1,
            250
        ) as description,
        cast(coalesce(rated_keys.priced_quantity, 0) as decimal(38, 9)) as quantity,
        coalesce(rated_keys.unit_label, last_entries.unit_label) as unit_label,
        cast(null as varchar) as unit_price_display,
        settlements.due_amount as amount,
        'correction' as cause,
        coalesce(rated_keys.event_count, 0) as event_count,
        coalesce(rated_keys.digest_sum_1, 0) as digest_sum_1,
        coalesce(rated_keys.digest_sum_2, 0) as digest_sum_2
    from settlements
    left join rated_keys on settlements.settlement_key = rated_keys.settlement_key
    left join explanations on rated_keys.rated_line_id = explanations.rated_line_id
    left join last_entries on settlements.settlement_key = last_entries.settlement_key
    where settlements.is_in_register
),

lines as (
    select * from new_lines
    union all
    select * from corrections
),

-- Documents that were signed before for the same bill-to and month number the next one.
signed_documents as (
    select
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period,
        count(distinct document_id) as document_count
    from entries
    where entry_kind in ('bill', 'correct')
    group by
        legal_entity_id,
        bill_to_customer_id,
        currency_code,
        billing_period
),

addressed as (
    select
        settlements.*,
        lines.rated_line_id,
        lines.charge_name,
        lines.service_start_date,
        lines.service_end_date,
        lines.service_start_at,
        lines.service_end_at,
        lines.description,
        lines.quantity,
        lines.unit_label,
        lines.unit_price_display,
        lines.amount,
        lines.cause,
        lines.event_count,
        lines.digest_sum_1,
        lines.digest_sum_2,
        coalesce(signed_documents.document_count, 0) as signed_document_count,
        sum(lines.amount) over (
            partition by
                settlements.legal_entity_id,
                settlements.bill_to_customer_id,
                settlements.currency_code,
                settlements.billing_period
        ) as document_amount
    from lines
    inner join settlements on lines.settlement_key = settlements.settlement_key
    left join signed_documents
        on
            settlements.legal_entity_id = signed_documents.legal_entity_id
            and settlements.bill_to_customer_id = signed_documents.bill_to_customer_id
            and settlements.currency_code = signed_documents.currency_code
            and settlements.billing_period = signed_documents.billing_period
),

kinded as (
    select
        *,
        case when document_amount < 0 then 'credit_memo' else 'invoice' end
            as document_kind
    from addressed
),

identified as (
    select
        *,
        {{ content_id([
            'legal_entity_id',
            'bill_to_customer_id',
            'currency_code',
            'billing_period',
            'document_kind',
            'signed_document_count',
        ]) }} as document_id
    from kinded
),

final as (
    select
        document_id,
        document_kind,
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        billing_period,
        rated_line_id,
        charge_name,
        service_start_date,
        service_end_date,
        service_start_at,
        service_end_at,
        description,
        quantity,
        unit_label,
        unit_price_display,
        rated_amount,
        billed_amount as billed_amount_before,
        amount,
        cause,
        event_count,
        cast(digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from identified
)

select * from final
