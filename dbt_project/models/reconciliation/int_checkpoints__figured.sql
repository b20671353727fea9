{#- The legs one after the other, in the columns that all of them share. -#}
{%- set scope = checkpoint_scope() %}

with
{%- for leg in checkpoint_legs() %}
{{ leg.leg }} as (
    select * from {{ ref(leg.model) }}
),
{% endfor %}
final as (
    {% for leg in checkpoint_legs() -%}
    select
        {{ content_id(["'" ~ leg.leg ~ "'"] + leg.scope) }} as scope_id,
        '{{ leg.leg }}' as leg,
        {% for column in scope if column != 'leg' -%}
        {% if column in leg.scope -%}
        {{ column }},
        {% else -%}
        cast(null as varchar) as {{ column }},
        {% endif -%}
        {% endfor -%}
        checkpoint_name,
        reason,
        cast({{ 'reason_code' if leg.has_code else 'null' }} as varchar) as reason_code,
        item_count,
        cast({{ 'quantity' if leg.has_quantity else 'null' }} as decimal(38, 9))
            as quantity,
        cast({{ 'amount' if leg.has_amount else 'null' }} as decimal(38, 4)) as amount
    from {{ leg.leg }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
