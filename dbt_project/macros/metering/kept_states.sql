{#-
    What is kept beside counts, where an aggregation needs more than figures. Belongs here: which
    meters need it, and the fields of the operations on a distinct value. Does not belong here: how
    kept states make a quantity (macros/rating/usage_states.sql).
-#}

{% macro event_keeping_meters(meters) -%}
    {#- The meters of which each event is kept: levels that are weighted by their time, and those
        that a price asks for event by event. -#}
    {%- set kept = [] -%}
    {%- for meter in meters
        if meter.aggregation == 'weighted_sum' or meter.keeps_each_event -%}
        {%- do kept.append(meter) -%}
    {%- endfor -%}
    {%- do return(kept) -%}
{%- endmacro %}


{% macro first_operation_fields() -%}
    {#- What is kept of the first addition or removal of a value, in order. -#}
    {%- do return({
        'first_operation_at': 'timestamp',
        'first_operation_nanos': 'smallint',
    }) -%}
{%- endmacro %}


{% macro last_operation_fields() -%}
    {#- What is kept of the last one, in the order in which events compare. -#}
    {%- do return({
        'last_operation_at': 'timestamp',
        'last_operation_nanos': 'smallint',
        'last_operation_source': 'varchar',
        'last_operation_id': 'varchar',
        'is_last_add': 'boolean',
    }) -%}
{%- endmacro %}
