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

steps as (
    select
        numbered.contract_id,
        term_charges.charge_id,
        cast(null as varchar) as charge_price_id,
        numbered.cell_start_date,
        numbered.from_at,
        numbered.to_at,
        numbered.step_kind,
        cast(numbered.step_number as integer) as step_number,
        numbered.term_id,
        numbered.term_name,
        {{ content_number([
            'numbered.contract_id', 'numbered.term_id', 'numbered.cell_start_date'
        ]) }} as step_group,
        cast(
            case
                when numbered.term_kind = 'trial' then 100000000000000
                else {{ scaled_integer('numbered.percent', 12) }}
            end as decimal(38, 0)
        ) as percent_units,
        numbered.amount_units
    from numbered
    inner join term_charges on numbered.term_id = term_charges.term_id
    union all
    select
        contract_id,
        charge_id,
        charge_price_id,
        cell_start_date,
        {{ start_of_time() }} as from_at,
        {{ end_of_time() }} as to_at,
        'maximum' as step_kind,
        1 as step_number,
        cast(null as varchar) as term_id,
        cast(null as varchar) as term_name,
        {{ content_number(['contract_id', 'charge_id', 'cell_start_date']) }}
            as step_group,
        cast(null as decimal(38, 0)) as percent_units,
        maximum_units as amount_units
    from limits
),

-- A maximum is one price's, a term all prices'.
stepped as (
    select
        lines.rated_line_id,
        lines.service_start_at,
        lines.charge_id,
        lines.dimension_key,
        lines.customer_id,
        steps.step_kind,
        steps.step_number,
        steps.term_id,
        steps.term_name,
        steps.step_group,
        steps.percent_units,
        steps.amount_units
    from steps
    inner join lines
        on
            steps.contract_id = lines.contract_id
            and steps.charge_id = lines.charge_id
            and steps.cell_start_date = lines.cell_start_date
            and steps.from_at <= lines.service_start_at
            and steps.to_at > lines.service_start_at
            and coalesce(steps.charge_price_id, lines.charge_price_id)
            = lines.charge_price_id
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
