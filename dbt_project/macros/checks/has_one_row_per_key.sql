{% test has_one_row_per_key(model, key_columns) %}
    {#- Fails with the keys that several rows share, or of which a part is null. -#}
    select
        {{ key_columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ key_columns | join(', ') }}
    having
        count(*) > 1
        {% for key_column in key_columns -%}
        or bool_or({{ key_column }} is null)
        {% endfor %}
{% endtest %}
