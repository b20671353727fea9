-- depends_on: {{ ref('int_discounts__numbered') }}
{%- set percent_steps = discount_step_count(['percent']) %}
{%- set amount_steps = discount_step_count(['amount']) %}
{%- set maximum_steps = discount_step_count(['maximum']) %}
{%- set last = namespace(name='gross') %}
{%- set terms_taken = [] %}

with lines as (
    select * from {{ ref('int_charges__allocated') }}
),

steps as (
    select * from {{ ref('int_discounts__numbered') }}
),

stepped_lines as (
    select distinct rated_line_id
    from steps
),

gross as (
    select
        lines.rated_line_id,
        lines.run_exception_code is not null as is_held,
        cast(lines.gross_units as {{ whole_number() }}) as left_units
    from lines
    inner join stepped_lines on lines.rated_line_id = stepped_lines.rated_line_id
),

{% for step in range(1, percent_steps + 1) -%}
{{ percent_step(last.name, 'percent_' ~ step, step) }},
{%- do terms_taken.append(['percent', step, last.name, 'percent_' ~ step]) %}
{%- set last.name = 'percent_' ~ step %}

{% endfor -%}
discounted_by_percent as (
    select * from {{ last.name }}
),
{%- set last.name = 'discounted_by_percent' %}

{% for step in range(1, amount_steps + 1) -%}
{{ amount_step(last.name, 'amount_' ~ step, 'amount', step) }},
{%- do terms_taken.append(['amount', step, last.name, 'amount_' ~ step]) %}
{%- set last.name = 'amount_' ~ step %}

{% endfor -%}
discounted as (
    select * from {{ last.name }}
),
{%- set last.name = 'discounted' %}

{% for step in range(1, maximum_steps + 1) -%}
{{ amount_step(last.name, 'maximum_' ~ step, 'maximum', step) }},
{%- set last.name = 'maximum_' ~ step %}

{% endfor -%}
limited as (
    select * from {{ last.name }}
),

{% if terms_taken -%}
taken as (
    {% for step_kind, step, before, after in terms_taken -%}
    select
        {{ before }}.rated_line_id,
        '{{ step_kind }}' as step_kind,
        {{ step }} as step_number,
        cast({{ before }}.left_units - {{ after }}.left_units as decimal(38, 0))
            as taken_units
    from {{ before }}
    inner join {{ after }} on {{ before }}.rated_line_id = {{ after }}.rated_line_id
    {{- '\n    union all' if not loop.last }}
    {% endfor %}
),

-- What each term took of the line, in the order in which it was taken.
told as (
    select
        steps.rated_line_id,
        '[' || {{ joined_text(
            json_object_text([
                ['term_id', 'steps.term_id'],
                ['name', 'steps.term_name'],
                [
                    'percent',
                    decimal_text(from_scaled_integer('steps.percent_units', 12)),
                ],
                ['amount', decimal_text(from_scaled_integer('steps.amount_units', 12))],
                ['taken', decimal_text(from_scaled_integer('taken.taken_units', 12))],
            ]),
            ',',
            'steps.step_kind desc, steps.step_number'
        ) }} || ']' as discount_steps
    from steps
    inner join taken
        on
            steps.rated_line_id = taken.rated_line_id
            and steps.step_kind = taken.step_kind
            and steps.step_number = taken.step_number
    group by steps.rated_line_id
),

{% endif -%}
final as (
    select
        gross.rated_line_id,
        limited.is_held,
        cast(gross.left_units - discounted.left_units as decimal(38, 0))
            as discount_units,
        cast(discounted.left_units - limited.left_units as decimal(38, 0))
            as above_maximum_units,
        cast(limited.left_units as decimal(38, 0)) as net_units,
        {{ "coalesce(told.discount_steps, '[]')" if terms_taken else "'[]'" }}
            as discount_steps
    from gross
    inner join discounted on gross.rated_line_id = discounted.rated_line_id
    inner join limited on gross.rated_line_id = limited.rated_line_id
    {%- if terms_taken %}
    left join told on gross.rated_line_id = told.rated_line_id
    {%- endif %}
)

select * from final
