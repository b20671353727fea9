{#-
    Lists, series and JSON text, which engines spell differently. Belongs here: joined texts,
    unnesting, number series, structs, JSON text. Does not belong here: what is listed.
-#}

{% macro joined_text(expression, separator, order_by) -%}
    {#- Aggregate: the texts of a group joined in a stated order. -#}
    {{ return(adapter.dispatch('joined_text', 'tallyhouse')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro duckdb__joined_text(expression, separator, order_by) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro last_of_json_numbers(json) -%}
    {#- The last number of a JSON list of whole numbers; null where it is empty. -#}
    {{ return(adapter.dispatch('last_of_json_numbers', 'tallyhouse')(json)) }}
{%- endmacro %}

{% macro duckdb__last_of_json_numbers(json) -%}
    cast({{ json }} ->> '$[#-1]' as integer)
{%- endmacro %}

{% macro each_of(list) -%}
    {#- In a select list: one row per item of a list; rows with an empty list vanish. -#}
    {{ return(adapter.dispatch('each_of', 'tallyhouse')(list)) }}
{%- endmacro %}

{% macro duckdb__each_of(list) -%}
    unnest({{ list }})
{%- endmacro %}

{% macro integers_between(first, last) -%}
    {#- A list of the integers from first to last, both included; empty when last < first. -#}
    {{ return(adapter.dispatch('integers_between', 'tallyhouse')(first, last)) }}
{%- endmacro %}

{% macro duckdb__integers_between(first, last) -%}
    generate_series(cast({{ first }} as bigint), cast({{ last }} as bigint))
{%- endmacro %}

{% macro rolled_over(carried, quantity, demand, cap) -%}
    {#- What is left to roll over, oldest first, after a demand was taken from what was carried
        (a list of decimals, oldest first) and then from a new quantity: without what is too old
        by then, and without the oldest of what lies above a cap, if there is one. -#}
    {{ return(adapter.dispatch('rolled_over', 'tallyhouse')(carried, quantity, demand, cap)) }}
{%- endmacro %}

{% macro duckdb__rolled_over(carried, quantity, demand, cap) -%}
    {%- set stock = 'list_append(' ~ carried ~ ', ' ~ quantity ~ ')' -%}
    {%- set left_over -%}
        list_transform(
            range(2, len({{ stock }}) + 1),
            lambda age: cast(
                greatest(
                    0,
                    least(
                        {{ stock }}[age], list_sum({{ stock }}[1:age]) - {{ demand }}
                    )
                ) as decimal(38, 9)
            )
        )
    {%- endset -%}
    list_transform(
        range(1, len({{ left_over }}) + 1),
        lambda place: cast(
            case
                when {{ cap }} is null then {{ left_over }}[place]
                else greatest(
                    0,
                    least(
                        {{ left_over }}[place],
                        {{ cap }} - coalesce(list_sum({{ left_over }}[place + 1:]), 0)
                    )
                )
            end as decimal(38, 9)
        )
    )
{%- endmacro %}

{% macro list_total(list) -%}
    {#- The sum of a list of decimals; 0 for an empty one. -#}
    {{ return(adapter.dispatch('list_total', 'tallyhouse')(list)) }}
{%- endmacro %}

{% macro duckdb__list_total(list) -%}
    cast(coalesce(list_sum({{ list }}), 0) as decimal(38, 9))
{%- endmacro %}

{% macro list_length(list) -%}
    {#- How many items a list has. -#}
    {{ return(adapter.dispatch('list_length', 'tallyhouse')(list)) }}
{%- endmacro %}

{% macro duckdb__list_length(list) -%}
    len({{ list }})
{%- endmacro %}

{% macro has_item(list, item) -%}
    {#- Whether a list has an item; null where one of them is null. -#}
    {{ return(adapter.dispatch('has_item', 'tallyhouse')(list, item)) }}
{%- endmacro %}

{% macro duckdb__has_item(list, item) -%}
    list_contains({{ list }}, {{ item }})
{%- endmacro %}

{% macro zeros(count) -%}
    {#- A list of as many zeros, as decimals of nine places. -#}
    {{ return(adapter.dispatch('zeros', 'tallyhouse')(count)) }}
{%- endmacro %}

{% macro duckdb__zeros(count) -%}
    list_transform(range(0, {{ count }}), lambda place: cast(0 as decimal(38, 9)))
{%- endmacro %}

{% macro json_object_text(pairs) -%}
    {#- A JSON object as text, from a list of [name, expression]; a null expression is a JSON null,
        decimals are to be given as text. No pairs give '{}'. -#}
    {{ return(adapter.dispatch('json_object_text', 'tallyhouse')(pairs)) }}
{%- endmacro %}

{% macro duckdb__json_object_text(pairs) -%}
    cast(json_object(
        {%- for name, expression in pairs %}
        '{{ name }}', {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) as varchar)
{%- endmacro %}

{% macro plain_json_fields(fields) -%}
    {#- The fields of a JSON object as text, without its braces, much cheaper than an object: from a
        list of [name, expression, kind]. A 'text' is quoted as it stands, so that none of its
        characters may need an escape: digits, instants, words of a list; a 'number' is not. -#}
    {{ return(adapter.dispatch('plain_json_fields', 'tallyhouse')(fields)) }}
{%- endmacro %}

{% macro duckdb__plain_json_fields(fields) -%}
    concat(
        {%- for name, expression, kind in fields %}
        '{{ ',' if not loop.first }}"{{ name }}":',
        {% if kind == 'text' -%}
        coalesce('"' || {{ expression }} || '"', 'null')
        {%- else -%}
        coalesce(cast({{ expression }} as varchar), 'null')
        {%- endif -%}
        {{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{% macro json_field_text(json_text, name) -%}
    {#- The text of one field of a JSON object, its name a column; null where there is none. -#}
    {{ return(adapter.dispatch('json_field_text', 'tallyhouse')(json_text, name)) }}
{%- endmacro %}

{% macro duckdb__json_field_text(json_text, name) -%}
    json_extract_string({{ json_text }}, '$."' || {{ name }} || '"')
{%- endmacro %}

{% macro only_json_item(json_text) -%}
    {#- The only item of a JSON list, as text; null where it has none or several. -#}
    {{ return(adapter.dispatch('only_json_item', 'tallyhouse')(json_text)) }}
{%- endmacro %}

{% macro duckdb__only_json_item(json_text) -%}
    case when json_array_length({{ json_text }}) = 1 then json_extract({{ json_text }}, '$[0]') end
{%- endmacro %}

{% macro json_field_names(json_text) -%}
    {#- A list of the names of a JSON object's fields. -#}
    {{ return(adapter.dispatch('json_field_names', 'tallyhouse')(json_text)) }}
{%- endmacro %}

{% macro duckdb__json_field_names(json_text) -%}
    json_keys({{ json_text }})
{%- endmacro %}

{% macro decimal_text(number) -%}
    {#- A decimal as text without trailing zeros: 12.500000000 is '12.5', 3.000000000 is '3'. -#}
    {{ return(adapter.dispatch('decimal_text', 'tallyhouse')(number)) }}
{%- endmacro %}

{% macro duckdb__decimal_text(number) -%}
    rtrim(rtrim(cast({{ number }} as varchar), '0'), '.')
{%- endmacro %}

{% macro json_text_of(value) -%}
    {#- Any value, lists and structs included, as JSON text. -#}
    {{ return(adapter.dispatch('json_text_of', 'tallyhouse')(value)) }}
{%- endmacro %}

{% macro duckdb__json_text_of(value) -%}
    cast(to_json({{ value }}) as varchar)
{%- endmacro %}

{% macro struct_of(fields) -%}
    {#- A struct of named expressions; structs compare field by field, in order. -#}
    {{ return(adapter.dispatch('struct_of', 'tallyhouse')(fields)) }}
{%- endmacro %}

{% macro duckdb__struct_of(fields) -%}
    struct_pack(
        {%- for name, expression in fields.items() -%}
        {{ name }} := {{ expression }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{% macro field_of(struct, name) -%}
    {#- In a select list: one field of a struct, under its own name. -#}
    {{ struct }}.{{ name }} as {{ name }}
{%- endmacro %}

{% macro null_struct(types) -%}
    {#- A null of a struct type, given as field names and types. -#}
    {{ return(adapter.dispatch('null_struct', 'tallyhouse')(types)) }}
{%- endmacro %}

{% macro duckdb__null_struct(types) -%}
    cast(null as struct(
        {%- for name, type in types.items() -%}
        {{ name }} {{ type }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    ))
{%- endmacro %}
