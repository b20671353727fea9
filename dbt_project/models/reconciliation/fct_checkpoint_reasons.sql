with figures as (
    select * from {{ ref('int_checkpoints__figured') }}
    where reason is not null
),

final as (
    select
        {{ content_id(['scope_id', 'checkpoint_name', 'reason', 'reason_code']) }}
            as checkpoint_reason_id,
        scope_id,
        {{ checkpoint_scope() | join(',\n        ') }},
        checkpoint_name,
        reason,
        reason_code,
        item_count,
        quantity,
        amount
    from figures
    where item_count <> 0 or quantity <> 0 or amount <> 0
)

select * from final
