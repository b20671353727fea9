with charge_lines as (
    select * from {{ ref('int_charge_lines__described') }}
),

term_lines as (
    select * from {{ ref('int_term_lines__described') }}
),

lines as (
    select
        {{ rated_line_columns() | join(',\n        ') }}
    from charge_lines
    union all
    select
        {{ rated_line_columns() | join(',\n        ') }}
    from term_lines
),

-- Held lines keep what was computed; only what is known is an amount.
final as (
    select
        {{ rated_line_columns() | join(',\n        ') }},
        case when exception_code is null then computed_amount end as amount,
        case
            when exception_code is not null then 'unknown'
            when computed_amount = 0 then 'proven_zero'
            else 'amount'
        end as rating_status,
        {{ engine_version() }} as engine_version
    from lines
)

select * from final
