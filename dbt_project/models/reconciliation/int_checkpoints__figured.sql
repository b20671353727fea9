{#- The legs one after the other, in the columns that all of them share. -#}
{%- set scope = checkpoint_scope() %}

with
{%- for leg in checkpoint_legs() %}
{{ leg.leg }} as (
    select * from {{ ref(leg.model) }}
),
{% endfor %}
figures as (
    {% for leg in checkpoint_legs() -%}
    select
        checkpoint_name,
        reason,
        {{ 'reason_code' if leg.has_code else 'null' }} as reason_code,
        '{{ leg.leg }}' as leg,
        {% for column in scope if column != 'leg' -%}
        {% if column in leg.scope -%}
        {{ column }},
        {% else -%}
        cast(null as varchar) as {{ column }},
        {% endif -%}
        {% endfor -%}
        item_count,
        {{ 'quantity' if leg.has_quantity else 'null' }} as quantity,
        {{ 'amount' if leg.has_amount else 'null' }} as amount
    from {{ leg.leg }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        {{ content_id(['checkpoint_name', 'reason', 'reason_code'] + scope) }}
            as figure_id,
        {{ content_id(scope) }} as scope_id,
        {{ scope | join(',\n        ') }},
        checkpoint_name,
        reason,
        cast(reason_code as varchar) as reason_code,
        item_count,
        cast(quantity as decimal(38, 9)) as quantity,
        cast(amount as decimal(38, 4)) as amount
    from figures
)

select * from final
