{#-
    Tables and views that are replaced where they stand, in one transaction. Belongs here: how a
    model's relation is replaced. Does not belong here: what is in it; incremental models.

    The adapter's own materializations build beside and rename twice, for readers of the warehouse
    file. It has none while dbt writes: analysts read a published copy.
-#}

{% materialization table, adapter='duckdb' %}
    {{- return(tallyhouse.replace_in_place('table')) -}}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{- return(tallyhouse.replace_in_place('view')) -}}
{% endmaterialization %}

{% macro replace_in_place(kind) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type=kind) -%}
    {{- run_hooks(pre_hooks, inside_transaction=False) -}}
    {{- run_hooks(pre_hooks, inside_transaction=True) -}}
    {%- call statement('main') -%}
        {%- if existing is not none %}
        drop {{ existing.type }} if exists {{ existing }};
        {%- endif %}
        {{ create_table_as(False, target, compiled_code) if kind == 'table' else create_view_as(target, compiled_code) }}
    {%- endcall -%}
    {{- run_hooks(post_hooks, inside_transaction=True) -}}
    {%- do adapter.commit() -%}
    {{- run_hooks(post_hooks, inside_transaction=False) -}}
    {%- do return({'relations': [target]}) -%}
{%- endmacro %}
