{#- Version of the rating rules: raised whenever the same inputs may give another amount. -#}
{% macro engine_version() -%}
    '1'
{%- endmacro %}
