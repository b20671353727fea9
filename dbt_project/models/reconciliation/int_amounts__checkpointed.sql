{#-
    Amounts per customer, billing period, product line and currency. Each settlement key lies in one
    scope at every checkpoint: in the month in which it is rated, wherever a document bills it.
    Figures come from the rows of a checkpoint, reasons from what was decided about each key.
-#}
{%- set scope = ['customer_id', 'billing_period', 'erp_item', 'currency_code'] %}

with rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
),

charged_lines as (
    select * from {{ ref('int_candidates__charged') }}
),

candidate_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
    where credit_grant_id is null
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where
        settlement_key is not null
        and entry_kind in {{ owing_entry_kinds() }}
),

posted_entries as (
    select * from {{ ref('int_entries__posted') }}
),

named_keys as (
    {% for relation, rank in [
        ('rated_lines', 1), ('settlements', 2), ('entries', 3), ('candidate_lines', 4)
    ] -%}
    select
        settlement_key,
        {{ scope | join(',\n        ') }},
        {{ rank }} as name_rank
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

scopes as (
    select
        {% for column in scope -%}
        min_by({{ column }}, name_rank) as {{ column }},
        {% endfor -%}
        settlement_key
    from named_keys
    group by settlement_key
),

rated as (
    select
        settlement_key,
        sum(coalesce(computed_amount, 0)) as amount
    from rated_lines
    group by settlement_key
),

candidates as (
    select
        settlement_key,
        sum(amount) as amount
    from candidate_lines
    group by settlement_key
),

charged as (
    select
        settlement_key,
        sum(amount) as amount
    from charged_lines
    group by settlement_key
),

signed as (
    select
        settlement_key,
        count(*) filter (where entry_kind not in ('credit_draw', 'credit_restore')) > 0
            as is_billed,
        sum(amount) as amount
    from entries
    group by settlement_key
),

posted as (
    select
        settlement_key,
        sum(posted_amount) as posted_amount,
        sum(paid_amount) as paid_amount
    from posted_entries
    where settlement_key is not null
    group by settlement_key
),

-- A key counts by what is charged for it; credit only changes its amount.
posted_keys as (
    select
        settlement_key,
        bool_or(is_posted) as is_posted,
        coalesce(bool_and(unpaid_reason is null) filter (where is_posted), false)
            as is_paid,
        min(reason) as reason,
        min(unpaid_reason) as unpaid_reason
    from posted_entries
    where
        settlement_key is not null
        and entry_kind not in ('credit_draw', 'credit_restore')
    group by settlement_key
),

-- What was decided about a key, and whether its charge is in a document.
decided as (
    select
        settlements.*,
        coalesce(settlements.computed_amount, rated.amount, 0) as known_amount,
        charged.settlement_key is not null as is_charged,
        case
            when settlements.outcome <> 'candidate' then settlements.outcome
            when charged.settlement_key is null then 'carried'
        end as left_out_as
    from settlements
    left join rated on settlements.settlement_key = rated.settlement_key
    left join charged on settlements.settlement_key = charged.settlement_key
),

key_figures as (
    select
        settlement_key,
        'rated' as checkpoint_name,
        cast(null as varchar) as reason,
        cast(null as varchar) as reason_code,
        1 as item_count,
        amount
    from rated
    union all
    select
        coalesce(settlements.settlement_key, candidates.settlement_key)
            as settlement_key,
        'candidate' as checkpoint_name,
        null as reason,
        null as reason_code,
        1 as item_count,
        coalesce(settlements.billed_amount, 0) + coalesce(candidates.amount, 0)
            as amount
    from settlements
    full outer join candidates
        on settlements.settlement_key = candidates.settlement_key
    where settlements.is_in_register or candidates.settlement_key is not null
    union all
    -- A key that goes no further, by what is left of it.
    select
        settlement_key,
        'candidate' as checkpoint_name,
        left_out_as as reason,
        case when left_out_as = 'held' then exception_code end as reason_code,
        case
            when is_rated and not is_in_register and not is_charged then -1
            when not is_rated and is_in_register then 1
            else 0
        end as item_count,
        case left_out_as
            when 'not_due' then billed_amount - known_amount
            when 'held' then billed_amount - known_amount
            when 'carried' then -due_amount
            when 'out_of_window' then -out_of_window_amount
            else 0
        end as amount
    from decided
    where left_out_as not in ('billed', 'proven_zero', 'waived')
    union all
    select
        settlement_key,
        'candidate' as checkpoint_name,
        case
            when left_out_as in ('proven_zero', 'waived') then left_out_as
            else 'no_longer_rated'
        end as reason,
        null as reason_code,
        case
            when is_rated and not is_in_register and not is_charged then -1
            when not is_rated and is_in_register then 1
            else 0
        end as item_count,
        0 as amount
    from decided
    where
        coalesce(left_out_as in ('proven_zero', 'waived'), false)
        or (coalesce(left_out_as = 'billed', true) and not is_rated)
    union all
    select
        settlement_key,
        'candidate' as checkpoint_name,
        'waived' as reason,
        null as reason_code,
        0 as item_count,
        -waived_amount as amount
    from decided
    where outcome not in ('not_due', 'held') and waived_amount <> 0
    union all
    select
        settlement_key,
        'candidate' as checkpoint_name,
        'conceded' as reason,
        null as reason_code,
        0 as item_count,
        conceded_amount as amount
    from decided
    where outcome not in ('not_due', 'held') and conceded_amount <> 0
    union all
    select
        settlement_key,
        'signed' as checkpoint_name,
        null as reason,
        null as reason_code,
        case when is_billed then 1 else 0 end as item_count,
        amount
    from signed
    union all
    select
        charged.settlement_key,
        'signed' as checkpoint_name,
        'not_signed' as reason,
        null as reason_code,
        case when settlements.is_in_register then 0 else -1 end as item_count,
        -charged.amount as amount
    from charged
    left join settlements on charged.settlement_key = settlements.settlement_key
    union all
    select
        settlement_key,
        'signed' as checkpoint_name,
        case
            when entry_kind = 'credit_draw' then 'credit_drawn'
            else 'credit_restored'
        end as reason,
        null as reason_code,
        0 as item_count,
        amount
    from entries
    where entry_kind in ('credit_draw', 'credit_restore')
    union all
    select
        settlement_key,
        'posted' as checkpoint_name,
        null as reason,
        null as reason_code,
        0 as item_count,
        posted_amount as amount
    from posted
    union all
    select
        settlement_key,
        'posted' as checkpoint_name,
        null as reason,
        null as reason_code,
        1 as item_count,
        0 as amount
    from posted_keys
    where is_posted
    union all
    select
        settlement_key,
        'posted' as checkpoint_name,
        reason,
        null as reason_code,
        -1 as item_count,
        0 as amount
    from posted_keys
    where not is_posted
    union all
    select
        settlement_key,
        'posted' as checkpoint_name,
        reason,
        null as reason_code,
        0 as item_count,
        posted_amount - signed_amount as amount
    from posted_entries
    where settlement_key is not null and reason is not null
    union all
    select
        settlement_key,
        'paid' as checkpoint_name,
        null as reason,
        null as reason_code,
        0 as item_count,
        paid_amount as amount
    from posted
    union all
    select
        settlement_key,
        'paid' as checkpoint_name,
        null as reason,
        null as reason_code,
        1 as item_count,
        0 as amount
    from posted_keys
    where is_posted and is_paid
    union all
    select
        settlement_key,
        'paid' as checkpoint_name,
        unpaid_reason as reason,
        null as reason_code,
        -1 as item_count,
        0 as amount
    from posted_keys
    where is_posted and not is_paid
    union all
    select
        settlement_key,
        'paid' as checkpoint_name,
        unpaid_reason as reason,
        null as reason_code,
        0 as item_count,
        paid_amount - posted_amount as amount
    from posted_entries
    where settlement_key is not null and unpaid_reason is not null
),

-- What stands in the ERP and nobody signed.
strange_figures as (
    {% for checkpoint, reason, amount in [
        ('posted', 'null', 'posted_amount'),
        ('posted', 'reason', 'posted_amount'),
        ('paid', 'null', 'paid_amount'),
        ('paid', 'unpaid_reason', 'paid_amount - posted_amount'),
    ] -%}
    select
        customer_id,
        erp_item,
        currency_code,
        '{{ checkpoint }}' as checkpoint_name,
        cast({{ reason }} as varchar) as reason,
        {{ amount }} as amount
    from posted_entries
    where
        settlement_key is null
        {%- if reason != 'null' %} and {{ reason }} is not null{% endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

figures as (
    select
        key_figures.checkpoint_name,
        key_figures.reason,
        key_figures.reason_code,
        {% for column in scope -%}
        scopes.{{ column }},
        {% endfor -%}
        key_figures.item_count,
        key_figures.amount
    from key_figures
    left join scopes on key_figures.settlement_key = scopes.settlement_key
    union all
    select
        checkpoint_name,
        reason,
        null as reason_code,
        customer_id,
        null as billing_period,
        erp_item,
        currency_code,
        0 as item_count,
        amount
    from strange_figures
),

final as (
    select
        checkpoint_name,
        reason,
        reason_code,
        {{ scope | join(',\n        ') }},
        cast(sum(item_count) as bigint) as item_count,
        cast(sum(amount) as decimal(38, 4)) as amount
    from figures
    group by
        checkpoint_name,
        reason,
        reason_code,
        {{ scope | join(',\n        ') }}
)

select * from final
