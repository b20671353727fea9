-- depends_on: {{ ref('int_discounts__numbered') }}
{%- set percent_steps = discount_step_count(['percent']) %}
{%- set amount_steps = discount_step_count(['amount']) %}
{%- set maximum_steps = discount_step_count(['maximum']) %}
{%- set last = namespace(name='gross') %}

with lines as (
    select * from {{ ref('int_charges__allocated') }}
),

priced as (
    select * from {{ ref('int_charges__priced') }}
),

steps as (
    select * from {{ ref('int_discounts__numbered') }}
),

gross as (
    select
        lines.rated_line_id,
        priced.exception_code is not null as is_held,
        cast(lines.gross_units as {{ whole_number() }}) as left_units
    from lines
    inner join priced on lines.ladder_run_id = priced.ladder_run_id
),

{% for step in range(1, percent_steps + 1) -%}
{{ percent_step(last.name, 'percent_' ~ step, step) }},
{%- set last.name = 'percent_' ~ step %}

{% endfor -%}
discounted_by_percent as (
    select * from {{ last.name }}
),
{%- set last.name = 'discounted_by_percent' %}

{% for step in range(1, amount_steps + 1) -%}
{{ amount_step(last.name, 'amount_' ~ step, 'amount', step) }},
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

final as (
    select
        lines.rated_line_id,
        lines.ladder_run_id,
        lines.ladder_key,
        lines.ladder_line_number,
        priced.minor_unit,
        priced.rounding_mode,
        coalesce(
            priced.exception_code,
            case when limited.is_held then 'depends_on_held' end
        ) as exception_code,
        lines.gross_units,
        cast(gross.left_units - discounted.left_units as decimal(38, 0))
            as discount_units,
        cast(discounted.left_units - limited.left_units as decimal(38, 0))
            as above_maximum_units,
        cast(limited.left_units as decimal(38, 0)) as net_units
    from lines
    inner join priced on lines.ladder_run_id = priced.ladder_run_id
    inner join gross on lines.rated_line_id = gross.rated_line_id
    inner join discounted on lines.rated_line_id = discounted.rated_line_id
    inner join limited on lines.rated_line_id = limited.rated_line_id
)

select * from final
