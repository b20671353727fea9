{%- set scope = checkpoint_scope() %}
{%- set measures = ['item_count', 'quantity', 'amount'] %}

with figures as (
    select * from {{ ref('int_checkpoints__figured') }}
),

reasons as (
    select * from {{ ref('fct_checkpoint_reasons') }}
),

checkpoints as (
    {% for leg in checkpoint_legs() -%}
    {% set leg_loop = loop -%}
    {% for checkpoint in leg.checkpoints -%}
    select
        '{{ leg.leg }}' as leg,
        '{{ leg.counted_in }}' as counted_in,
        '{{ checkpoint }}' as checkpoint_name,
        {{ checkpoint_names().index(checkpoint) + 1 }} as checkpoint_number
    {{ 'union all' if not (loop.last and leg_loop.last) }}
    {% endfor -%}
    {% endfor %}
),

scopes as (
    select distinct
        scope_id,
        {{ scope | join(',\n        ') }}
    from figures
),

reached as (
    select
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        scope_id,
        checkpoint_name
    from figures
    where reason is null
    group by scope_id, checkpoint_name
),

explained as (
    select
        scope_id,
        checkpoint_name,
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        {{ joined_text(
            "reason || coalesce(' (' || reason_code || ')', '') || ' '"
            ~ " || case when counted_figure > 0 then '+' else '' end || "
            ~ decimal_text('counted_figure'),
            '; ',
            'reason, reason_code'
        ) }} as reason
    from (
        select
            *,
            coalesce(amount, quantity, item_count) as counted_figure
        from reasons
    ) as counted
    group by scope_id, checkpoint_name
),

-- Every scope has every checkpoint of its leg: what nothing reached is 0.
listed as (
    select
        scopes.*,
        checkpoints.counted_in,
        checkpoints.checkpoint_number,
        checkpoints.checkpoint_name,
        coalesce(reached.item_count, 0) as item_count,
        case when scopes.leg = 'quantities' then coalesce(reached.quantity, 0) end
            as quantity,
        case when scopes.leg = 'amounts' then coalesce(reached.amount, 0) end as amount,
        coalesce(explained.item_count, 0) as explained_count,
        coalesce(explained.quantity, 0) as explained_quantity,
        coalesce(explained.amount, 0) as explained_amount,
        explained.reason
    from scopes
    inner join checkpoints on scopes.leg = checkpoints.leg
    left join reached
        on
            scopes.scope_id = reached.scope_id
            and checkpoints.checkpoint_name = reached.checkpoint_name
    left join explained
        on
            scopes.scope_id = explained.scope_id
            and checkpoints.checkpoint_name = explained.checkpoint_name
),

varied as (
    select
        *,
        item_count - lag(item_count) over earlier as item_count_variance,
        quantity - lag(quantity) over earlier as quantity_variance,
        amount - lag(amount) over earlier as amount_variance
    from listed
    window earlier as (partition by scope_id order by checkpoint_number)
),

final as (
    select
        scope_id,
        {{ scope | join(',\n        ') }},
        checkpoint_number,
        checkpoint_name,
        counted_in,
        cast(item_count as bigint) as item_count,
        cast(quantity as decimal(38, 9)) as quantity,
        cast(amount as decimal(38, 4)) as amount,
        cast(item_count_variance as bigint) as count_variance,
        cast(quantity_variance as decimal(38, 9)) as quantity_variance,
        cast(amount_variance as decimal(38, 4)) as amount_variance,
        cast(item_count_variance - explained_count as bigint) as unexplained_count,
        cast(quantity_variance - explained_quantity as decimal(38, 9))
            as unexplained_quantity,
        cast(amount_variance - explained_amount as decimal(38, 4))
            as unexplained_amount,
        coalesce(item_count_variance = explained_count, true)
        and coalesce(quantity_variance = explained_quantity, true)
        and coalesce(amount_variance = explained_amount, true) as is_explained,
        reason
    from varied
)

select * from final
