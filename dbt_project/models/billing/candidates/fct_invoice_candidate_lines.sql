{%- set booked_anew = ['erp_item', 'revenue_account'] -%}

with charged as (
    select * from {{ ref('int_candidates__charged') }}
),

drawn as (
    select * from {{ ref('int_credits__drawn') }}
),

restored as (
    select * from {{ ref('int_credits__restored') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
),

charge_lines as (
    select
        charged.document_id,
        charged.original_document_id,
        charged.settlement_key,
        {% for part in settlement_key_parts() -%}
        charged.{{ part }},
        {% endfor -%}
        charged.billing_period,
        charged.rated_line_id,
        charged.service_start_date,
        charged.service_end_date,
        charged.service_start_at,
        charged.service_end_at,
        charged.description,
        charged.quantity,
        charged.unit_label,
        charged.unit_price_display,
        charged.rated_amount,
        charged.billed_amount_before,
        charged.amount,
        charged.cause,
        charged.event_count,
        charged.digest_sum_1,
        charged.digest_sum_2,
        cast(null as varchar) as credit_grant_id,
        0 as line_rank,
        0 as drawing_number
    from charged
),

drawn_keys as (
    select
        charged.document_id,
        charged.settlement_key,
        charged.original_document_id,
        {% for part in settlement_key_parts() -%}
        min(charged.{{ part }}) as {{ part }},
        {% endfor -%}
        min(charged.billing_period) as billing_period,
        min_by(charged.rated_line_id, charged.service_start_at) as rated_line_id,
        min(charged.service_start_date) as service_start_date,
        max(charged.service_end_date) as service_end_date,
        min(charged.service_start_at) as service_start_at,
        max(charged.service_end_at) as service_end_at,
        min(charged.charge_name) as charge_name,
        nullif(min({{ dimensions_text('charged.dimension_key') }}), '') as dimensions,
        min(charged.rated_amount) as rated_amount,
        min(charged.billed_amount_before) as billed_amount_before
    from charged
    where charged.document_id in (select drawn.document_id from drawn)
    group by
        charged.document_id,
        charged.settlement_key,
        charged.original_document_id
),

-- What a grant pays of a key is a line after all charges, promotional ones first; it is
-- booked as what the grant was sold as, or as the charge that it lowers.
credit_lines as (
    select
        drawn_keys.document_id,
        drawn_keys.original_document_id,
        drawn_keys.settlement_key,
        {% for part in settlement_key_parts() -%}
        {% if part in booked_anew -%}
        coalesce(drawn.{{ part }}, drawn_keys.{{ part }}) as {{ part }},
        {% else -%}
        drawn_keys.{{ part }},
        {% endif -%}
        {% endfor -%}
        drawn_keys.billing_period,
        drawn_keys.rated_line_id,
        drawn_keys.service_start_date,
        drawn_keys.service_end_date,
        drawn_keys.service_start_at,
        drawn_keys.service_end_at,
        substr(
            drawn.credit_grant_name || ' for ' || drawn_keys.charge_name
            || coalesce(' (' || drawn_keys.dimensions || ')', ''),
            1,
            250
        ) as description,
        cast(
            case when drawn.unit is null then -1 else -drawn.drawn_quantity end
            as decimal(38, 9)
        ) as quantity,
        drawn.unit as unit_label,
        cast(null as varchar) as unit_price_display,
        drawn_keys.rated_amount,
        drawn_keys.billed_amount_before,
        cast(-drawn.drawn_amount as decimal(38, 4)) as amount,
        drawn.credit_kind || '_credit' as cause,
        cast(0 as bigint) as event_count,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        drawn.credit_grant_id,
        case drawn.credit_kind when 'promotional' then 1 else 2 end as line_rank,
        drawn.drawing_number
    from drawn
    inner join drawn_keys
        on
            drawn.document_id = drawn_keys.document_id
            and drawn.settlement_key = drawn_keys.settlement_key
),

corrections as (
    select distinct
        document_id,
        billing_period
    from charged
    where original_document_id is not null
),

-- What goes back to a grant is booked as it had been drawn, after everything else.
restored_lines as (
    select
        restored.document_id,
        restored.original_document_id,
        restored.settlement_key,
        {% for part in settlement_key_parts() -%}
        restored.{{ part }},
        {% endfor -%}
        corrections.billing_period,
        restored.rated_line_id,
        restored.service_start_date,
        restored.service_end_date,
        restored.service_start_at,
        restored.service_end_at,
        substr('Returned: ' || restored.description, 1, 250) as description,
        coalesce(restored.restored_quantity, cast(1 as decimal(38, 9))) as quantity,
        restored.unit as unit_label,
        cast(null as varchar) as unit_price_display,
        settlements.rated_amount,
        coalesce(settlements.billed_amount, 0) as billed_amount_before,
        restored.restored_amount as amount,
        restored.credit_kind || '_restored' as cause,
        cast(0 as bigint) as event_count,
        cast(0 as decimal(38, 0)) as digest_sum_1,
        cast(0 as decimal(38, 0)) as digest_sum_2,
        restored.credit_grant_id,
        3 as line_rank,
        restored.drawing_number
    from restored
    inner join corrections on restored.document_id = corrections.document_id
    left join settlements on restored.settlement_key = settlements.settlement_key
),

lines as (
    select * from charge_lines
    union all
    select * from credit_lines
    union all
    select * from restored_lines
),

final as (
    select
        document_id,
        cast(
            row_number() over (
                partition by document_id
                order by
                    line_rank,
                    drawing_number,
                    customer_id,
                    contract_lineage_id,
                    charge_id,
                    dimension_key,
                    cell_start_date,
                    service_start_at,
                    settlement_key,
                    rated_line_id,
                    credit_grant_id
            ) as integer
        ) as line_number,
        case
            when sum(amount) over (partition by document_id) < 0 then 'credit_memo'
            else 'invoice'
        end as document_kind,
        original_document_id,
        settlement_key,
        {{ settlement_key_parts() | join(',\n        ') }},
        billing_period,
        rated_line_id,
        service_start_date,
        service_end_date,
        service_start_at,
        service_end_at,
        description,
        quantity,
        unit_label,
        unit_price_display,
        rated_amount,
        billed_amount_before,
        amount,
        cause,
        case when cause = 'correction' then 'Correction' end as charge_class,
        event_count,
        digest_sum_1,
        digest_sum_2,
        credit_grant_id
    from lines
)

select * from final
