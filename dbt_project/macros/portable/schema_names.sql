{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- A model's schema is its layer, the same on every target. -#}
    {{- custom_schema_name | trim if custom_schema_name else target.schema -}}
{%- endmacro %}
