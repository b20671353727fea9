{#-
    Digests that every engine computes alike. Belongs here: the length-prefixed encoding, ids and
    sums over it. Does not belong here: which columns make up an identity or a content.
-#}

{% macro length_prefixed(text) -%}
    {#- '<characters>:<text>', so that no two lists of texts encode alike; null stays null. -#}
    length({{ text }}) || ':' || {{ text }}
{%- endmacro %}

{% macro content_id(texts) -%}
    {#- 32 hexadecimal digits that stand for a list of columns; nulls count as such. -#}
    {{ return(adapter.dispatch('content_id', 'tallyhouse')(texts)) }}
{%- endmacro %}

{% macro duckdb__content_id(texts) -%}
    md5({{ tallyhouse.joined_content(texts) }})
{%- endmacro %}

{% macro content_number(texts) -%}
    {#- The same as a whole number of 128 bits, which is cheaper to keep, to join and to group
        by. Where such a number is itself one of the texts, give its digits (content_number_text):
        written in decimal it takes two hundred times as long. -#}
    {{ return(adapter.dispatch('content_number', 'tallyhouse')(texts)) }}
{%- endmacro %}

{% macro duckdb__content_number(texts) -%}
    md5_number({{ tallyhouse.joined_content(texts) }})
{%- endmacro %}

{% macro content_number_text(number) -%}
    {#- A content number as 32 hexadecimal digits. -#}
    {{ return(adapter.dispatch('content_number_text', 'tallyhouse')(number)) }}
{%- endmacro %}

{% macro duckdb__content_number_text(number) -%}
    printf('%032x', {{ number }})
{%- endmacro %}

{% macro joined_content(texts) -%}
    {#- The lengths and texts of `length_prefixed`, a null as '-', joined at once: concat leaves
        nulls out. -#}
    concat(
        {% for text in texts -%}
        length(cast({{ text }} as varchar)),
        case when {{ text }} is null then '-' else ':' end,
        cast({{ text }} as varchar)
        {{- ', ' if not loop.last }}
        {% endfor -%}
    )
{%- endmacro %}

{% macro content_digest(digest_1, digest_2) -%}
    {#- The two digests of an event, 60 bits each, as 30 hexadecimal digits. -#}
    {{ return(adapter.dispatch('content_digest', 'tallyhouse')(digest_1, digest_2)) }}
{%- endmacro %}

{% macro duckdb__content_digest(digest_1, digest_2) -%}
    printf('%015x%015x', {{ digest_1 }}, {{ digest_2 }})
{%- endmacro %}

{% macro digest_sum(digest) -%}
    {#- Sum of 60-bit digests as decimal(38, 0): days add and subtract, and nothing overflows. -#}
    cast(sum({{ digest }}) as decimal(38, 0))
{%- endmacro %}
