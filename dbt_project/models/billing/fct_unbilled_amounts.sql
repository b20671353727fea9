with settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome <> 'not_due'
),

charged as (
    select distinct settlement_key
    from {{ ref('int_candidates__charged') }}
),

buckets as (
    select
        settlement_key,
        'held' as bucket,
        exception_code,
        computed_amount - billed_amount as unbilled_amount
    from settlements
    where outcome = 'held'
    union all
    select
        settlements.settlement_key,
        'carried' as bucket,
        settlements.exception_code,
        settlements.due_amount as unbilled_amount
    from settlements
    left join charged on settlements.settlement_key = charged.settlement_key
    where settlements.outcome = 'candidate' and charged.settlement_key is null
    union all
    select
        settlement_key,
        'out_of_window' as bucket,
        exception_code,
        out_of_window_amount as unbilled_amount
    from settlements
    where outcome = 'out_of_window'
    union all
    select
        settlement_key,
        'waived' as bucket,
        exception_code,
        waived_amount as unbilled_amount
    from settlements
    where waived_amount <> 0
),

final as (
    select
        buckets.settlement_key,
        buckets.bucket,
        {% for part in settlement_key_parts() -%}
        settlements.{{ part }},
        {% endfor -%}
        settlements.billing_period,
        settlements.billed_amount,
        cast(buckets.unbilled_amount as decimal(38, 4)) as unbilled_amount,
        buckets.exception_code
    from buckets
    inner join settlements on buckets.settlement_key = settlements.settlement_key
)

select * from final
