{#- Version of the rating rules: raised whenever the same inputs may give another amount. -#}
{% macro engine_version() -%}
    '2'
{%- endmacro %}
