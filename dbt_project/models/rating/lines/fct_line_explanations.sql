{{ config(materialized='view') }}

with charge_lines as (
    select * from {{ ref('int_charge_lines__described') }}
),

term_lines as (
    select * from {{ ref('int_term_lines__described') }}
),

-- Worded when they are read: of few lines does anybody ask how they came about.
final as (
    select
        rated_line_id,
        unit_price_display,
        description,
        derivation
    from charge_lines
    union all
    select
        rated_line_id,
        unit_price_display,
        description,
        derivation
    from term_lines
)

select * from final
