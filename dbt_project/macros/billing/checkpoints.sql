{#-
    The checkpoints that usage passes on its way to money, and the legs in which they are compared.

    Belongs here: their names, their order, what each leg counts and its scope. Does not belong here:
    a figure, which is one of the int_<leg>__checkpointed models'.

    A checkpoint is compared with the one before it in its leg. Legs meet where one ends and the next
    begins: days and events that were announced bring lines, events that are resolved become quantities of
    customers, and rated quantities amounts.
-#}

{% macro checkpoint_legs() -%}
    {{ return([
        {
            'leg': 'source_days', 'model': 'int_source_days__checkpointed',
            'counted_in': 'source-days',
            'scope': ['system_id', 'event_month'],
            'checkpoints': ['announced', 'raw'],
        },
        {
            'leg': 'announced_events', 'model': 'int_control_totals__checkpointed',
            'counted_in': 'events',
            'scope': ['system_id', 'event_month'],
            'checkpoints': ['announced', 'raw'],
        },
        {
            'leg': 'events', 'model': 'int_events__checkpointed',
            'counted_in': 'events', 'has_code': true,
            'scope': ['system_id', 'event_month'],
            'checkpoints': ['raw', 'accepted', 'unique', 'resolved'],
        },
        {
            'leg': 'quantities', 'model': 'int_quantities__checkpointed',
            'counted_in': 'events', 'has_quantity': true,
            'scope': [
                'customer_id', 'billing_period', 'erp_item', 'currency_code', 'meter_id', 'unit',
            ],
            'checkpoints': ['resolved', 'rated'],
        },
        {
            'leg': 'amounts', 'model': 'int_amounts__checkpointed',
            'counted_in': 'settlement keys', 'has_code': true, 'has_amount': true,
            'scope': ['customer_id', 'billing_period', 'erp_item', 'currency_code'],
            'checkpoints': ['rated', 'candidate', 'signed', 'posted', 'paid'],
        },
    ]) }}
{%- endmacro %}

{% macro checkpoint_names() -%}
    {{ return([
        'announced', 'raw', 'accepted', 'unique', 'resolved', 'rated', 'candidate', 'signed',
        'posted', 'paid',
    ]) }}
{%- endmacro %}

{#- Every column that is part of the scope of some leg. -#}
{% macro checkpoint_scope() -%}
    {{ return([
        'leg', 'system_id', 'event_month', 'customer_id', 'billing_period', 'erp_item',
        'currency_code', 'meter_id', 'unit',
    ]) }}
{%- endmacro %}

{#- The kinds of register entries that change what a customer owes: those that change what is
    billed, and credit that pays for it. -#}
{% macro owing_entry_kinds() -%}
    (
        'bill', 'correct', 'release', 'external', 'concession', 'credit_draw', 'credit_restore'
    )
{%- endmacro %}
