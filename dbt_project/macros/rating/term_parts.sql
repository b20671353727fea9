{#-
    The line of a contract term over those who bill it. Belongs here: what such a line is found by,
    sharing its amount over its parts. Does not belong here: who has a part, what weighs it.
-#}

{% macro term_line_columns() -%}
    {{ return(['contract_id', 'term_id', 'cell_start_date', 'line_kind']) }}
{%- endmacro %}

{#-
    The CTEs that share the lines of terms over their parts: part_units, of part_count parts, by
    largest remainder. `parts` has the columns of term_line_columns, from_at, weight (a whole number
    of zero or more) and total_units (the size of the line in minor units, the same in its parts;
    null where it is unknown). Equal remainders are served in order of time; where nothing weighs,
    the first part has all. The last CTE is called `result`.
-#}
{% macro in_parts(parts, result) -%}
    {%- set line_keys = term_line_columns() | join(', ') -%}
    {{ result }}_counted as (
        select
            *,
            row_number() over (partition by {{ line_keys }} order by from_at)
                as part_number,
            count(*) over line_parts as part_count,
            cast(sum(weight) over line_parts as {{ whole_number() }}) as whole_weight
        from {{ parts }}
        window line_parts as (partition by {{ line_keys }})
    ),

    {{ result }}_weighed as (
        select
            {{ line_keys }},
            part_number,
            total_units,
            case
                when whole_weight > 0 then cast(weight as {{ whole_number() }})
                when part_number = 1 then 1
                else 0
            end as part_weight,
            greatest(whole_weight, 1) as total_weight
        from {{ result }}_counted
        where part_count > 1
    ),

    {{ in_shares(
        result ~ '_weighed',
        [['total_units', 'part_weight', 'total_weight', 'part']],
        line_keys,
        'part_number',
        result ~ '_divided'
    ) }},

    {{ result }} as (
        select
            {{ result }}_counted.*,
            coalesce({{ result }}_divided.part_share, {{ result }}_counted.total_units)
                as part_units
        from {{ result }}_counted
        left join {{ result }}_divided
            on
                {% for column in term_line_columns() + ['part_number'] -%}
                {{ 'and ' if not loop.first }}{{ result }}_counted.{{ column }}
                = {{ result }}_divided.{{ column }}
                {% endfor %}
    )
{%- endmacro %}
