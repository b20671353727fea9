{#-
    What reached a checkpoint stands beside what reached the one before, so that one sum over both
    gives the variance. A checkpoint that nothing reached, nor the one before, has no row.
-#}
{%- set scope = checkpoint_scope() %}
{%- set measures = ['item_count', 'quantity', 'amount'] %}

with figures as (
    select * from {{ ref('int_checkpoints__figured') }}
),

checkpoints as (
    {% for leg in checkpoint_legs() -%}
    {% set leg_loop = loop -%}
    {% for checkpoint in leg.checkpoints -%}
    select
        '{{ leg.leg }}' as leg,
        '{{ leg.counted_in }}' as counted_in,
        '{{ checkpoint }}' as checkpoint_name,
        {{ checkpoint_names().index(checkpoint) + 1 }} as checkpoint_number,
        {{ 'true' if loop.first else 'false' }} as is_first,
        {{ 'true' if loop.last else 'false' }} as is_last
    {{ 'union all' if not (loop.last and leg_loop.last) }}
    {% endfor -%}
    {% endfor %}
),

numbered as (
    select
        figures.*,
        checkpoints.checkpoint_number,
        checkpoints.is_last
    from figures
    inner join checkpoints
        on
            figures.leg = checkpoints.leg
            and figures.checkpoint_name = checkpoints.checkpoint_name
),

placed as (
    select
        scope_id,
        checkpoint_number,
        case when reason is null then 'reached' else 'explained' end as place,
        {{ measures | join(',\n        ') }}
    from numbered
    union all
    select
        scope_id,
        checkpoint_number + 1 as checkpoint_number,
        'before' as place,
        {{ measures | join(',\n        ') }}
    from numbered
    where reason is null and not is_last
),

added as (
    select
        {% for place in ['reached', 'before', 'explained'] -%}
        {% for measure in measures -%}
        coalesce(sum({{ measure }}) filter (where place = '{{ place }}'), 0)
            as {{ place }}_{{ measure }},
        {% endfor -%}
        {% endfor -%}
        scope_id,
        checkpoint_number
    from placed
    group by scope_id, checkpoint_number
),

scopes as (
    select
        {% for column in scope -%}
        any_value({{ column }}) as {{ column }},
        {% endfor -%}
        scope_id
    from figures
    group by scope_id
),

explained as (
    select
        scope_id,
        checkpoint_number,
        {{ joined_text(
            "reason || coalesce(' (' || reason_code || ')', '') || ' ' || figure_text",
            '; ',
            'reason, reason_code'
        ) }} as reason
    from (
        select
            *,
            case
                when coalesce(amount > 0, quantity > 0, item_count > 0) then '+'
                else ''
            end
            || coalesce(
                {{ decimal_text('amount') }},
                {{ decimal_text('quantity') }},
                cast(item_count as varchar)
            ) as figure_text
        from numbered
        where
            reason is not null
            and (item_count <> 0 or quantity <> 0 or amount <> 0)
    ) as texts
    group by scope_id, checkpoint_number
),

varied as (
    select
        added.scope_id,
        {% for column in scope -%}
        scopes.{{ column }},
        {% endfor -%}
        checkpoints.checkpoint_number,
        checkpoints.checkpoint_name,
        checkpoints.counted_in,
        cast(added.reached_item_count as bigint) as item_count,
        {% for measure, scale, leg in [
            ('quantity', 9, 'quantities'), ('amount', 4, 'amounts')
        ] -%}
        cast(
            case
                when scopes.leg = '{{ leg }}'
                    then added.reached_{{ measure }}
            end as decimal(38, {{ scale }})
        ) as {{ measure }},
        {% endfor -%}
        cast(
            case
                when not checkpoints.is_first
                    then added.reached_item_count - added.before_item_count
            end as bigint
        ) as count_variance,
        {% for measure, scale, leg in [
            ('quantity', 9, 'quantities'), ('amount', 4, 'amounts')
        ] -%}
        cast(
            case
                when
                    scopes.leg = '{{ leg }}'
                    and not checkpoints.is_first
                    then added.reached_{{ measure }} - added.before_{{ measure }}
            end as decimal(38, {{ scale }})
        ) as {{ measure }}_variance,
        {% endfor -%}
        added.explained_item_count,
        added.explained_quantity,
        added.explained_amount,
        explained.reason
    from added
    inner join scopes on added.scope_id = scopes.scope_id
    inner join checkpoints
        on
            scopes.leg = checkpoints.leg
            and added.checkpoint_number = checkpoints.checkpoint_number
    left join explained
        on
            added.scope_id = explained.scope_id
            and added.checkpoint_number = explained.checkpoint_number
),

final as (
    select
        scope_id,
        {{ scope | join(',\n        ') }},
        checkpoint_number,
        checkpoint_name,
        counted_in,
        item_count,
        quantity,
        amount,
        count_variance,
        quantity_variance,
        amount_variance,
        cast(count_variance - explained_item_count as bigint) as unexplained_count,
        cast(quantity_variance - explained_quantity as decimal(38, 9))
            as unexplained_quantity,
        cast(amount_variance - explained_amount as decimal(38, 4))
            as unexplained_amount,
        coalesce(count_variance = explained_item_count, true)
        and coalesce(quantity_variance = explained_quantity, true)
        and coalesce(amount_variance = explained_amount, true) as is_explained,
        reason
    from varied
)

select * from final
