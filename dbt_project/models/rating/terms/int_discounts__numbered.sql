with lines as (
    select * from {{ ref('int_charges__allocated') }}
),

terms as (
    select * from {{ ref('int_terms__celled') }}
    where term_kind in ('discount_percent', 'trial', 'discount_amount')
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

limits as (
    select * from {{ ref('int_charges__limited') }}
    where has_maximum
),

kinded as (
    select
        *,
        case when term_kind = 'discount_amount' then 'amount' else 'percent' end
            as step_kind
    from terms
),

-- Each kind in declared order.
numbered as (
    select
        *,
        dense_rank() over (
            partition by contract_id, step_kind
            order by term_number, term_id
        ) as step_number
    from kinded
),

stepped as (
    select
        lines.rated_line_id,
        lines.service_start_at,
        lines.charge_id,
        lines.dimension_key,
        lines.customer_id,
        numbered.step_kind,
        cast(numbered.step_number as integer) as step_number,
        numbered.term_id,
        numbered.term_name,
        {{ content_id([
            'numbered.contract_id', 'numbered.term_id', 'numbered.cell_start_date'
        ]) }} as step_group,
        cast(
            case
                when numbered.term_kind = 'trial' then 100000000000000
                else {{ scaled_integer('numbered.percent', 12) }}
            end as decimal(38, 0)
        ) as percent_units,
        numbered.amount_units
    from lines
    inner join term_charges on lines.charge_id = term_charges.charge_id
    inner join numbered
        on
            term_charges.term_id = numbered.term_id
            and lines.contract_id = numbered.contract_id
            and lines.cell_start_date = numbered.cell_start_date
            and lines.service_start_at >= numbered.from_at
            and lines.service_start_at < numbered.to_at
    union all
    select
        lines.rated_line_id,
        lines.service_start_at,
        lines.charge_id,
        lines.dimension_key,
        lines.customer_id,
        'maximum' as step_kind,
        1 as step_number,
        cast(null as varchar) as term_id,
        cast(null as varchar) as term_name,
        {{ content_id([
            'lines.contract_id',
            'lines.charge_id',
            'lines.cell_start_date',
        ]) }} as step_group,
        cast(null as decimal(38, 0)) as percent_units,
        limits.maximum_units as amount_units
    from lines
    inner join limits
        on
            lines.contract_id = limits.contract_id
            and lines.charge_id = limits.charge_id
            and lines.charge_price_id = limits.charge_price_id
            and lines.cell_start_date = limits.cell_start_date
),

-- Lines that share a step are in one order, so that equal remainders have one too.
final as (
    select
        rated_line_id,
        step_kind,
        step_number,
        term_id,
        term_name,
        step_group,
        cast(
            row_number() over (
                partition by step_kind, step_number, step_group
                order by service_start_at, charge_id, dimension_key, customer_id
            ) as integer
        ) as line_number,
        percent_units,
        amount_units
    from stepped
)

select * from final
