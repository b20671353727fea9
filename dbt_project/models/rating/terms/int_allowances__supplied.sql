with recursive terms as (
    select * from {{ ref('int_terms__celled') }}
    where term_kind in ('allowance', 'discount_free_quantity')
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

demanded as (
    select * from {{ ref('int_usage__demanded') }}
),

ladders as (
    select distinct
        ladder_key,
        contract_id,
        charge_id,
        cell_start_date,
        ladder_demand
    from demanded
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

demands as (
    select
        terms.contract_id,
        terms.term_id,
        terms.cell_number,
        cast(sum(ladders.ladder_demand) as decimal(38, 9)) as demanded_quantity
    from terms
    inner join term_charges on terms.term_id = term_charges.term_id
    inner join ladders
        on
            terms.contract_id = ladders.contract_id
            and term_charges.charge_id = ladders.charge_id
            and terms.cell_start_date = ladders.cell_start_date
    group by terms.contract_id, terms.term_id, terms.cell_number
),

needed as (
    select
        terms.contract_id,
        terms.term_id,
        terms.term_kind,
        terms.cell_number,
        terms.cell_start_date,
        terms.quantity,
        terms.rollover_cap,
        coalesce(terms.rollover_periods, 0) as rollover_periods,
        coalesce(demands.demanded_quantity, {{ zero_quantity() }}) as demanded_quantity,
        min(terms.cell_number) over whole_term as first_cell_number,
        lead(terms.cell_number, 1, terms.cell_number + 1) over (
            partition by terms.contract_id, terms.term_id
            order by terms.cell_number
        ) as next_cell_number
    from terms
    left join demands
        on
            terms.contract_id = demands.contract_id
            and terms.term_id = demands.term_id
            and terms.cell_number = demands.cell_number
    window whole_term as (partition by terms.contract_id, terms.term_id)
),

-- A cell in which the contract is on another plan includes and uses nothing, and what
-- is left grows older in it.
rolling as (
    select
        needed.contract_id,
        needed.term_id,
        cells.cell_number,
        needed.first_cell_number,
        case
            when cells.cell_number = needed.cell_number then needed.quantity
            else {{ zero_quantity() }}
        end as quantity,
        case
            when cells.cell_number = needed.cell_number then needed.demanded_quantity
            else {{ zero_quantity() }}
        end as demanded_quantity,
        needed.rollover_cap,
        needed.rollover_periods
    from needed
    inner join cells
        on
            needed.contract_id = cells.contract_id
            and needed.cell_number <= cells.cell_number
            and needed.next_cell_number > cells.cell_number
    where needed.rollover_periods > 0
),

-- Cell after cell, for all contracts at once: what one leaves is carried into the next.
carried as (
    select
        rolling.contract_id,
        rolling.term_id,
        rolling.cell_number,
        rolling.quantity,
        rolling.demanded_quantity,
        rolling.rollover_cap,
        {{ zeros('rolling.rollover_periods') }} as carried_quantities
    from rolling
    where rolling.cell_number = rolling.first_cell_number
    union all
    select
        rolling.contract_id,
        rolling.term_id,
        rolling.cell_number,
        rolling.quantity,
        rolling.demanded_quantity,
        rolling.rollover_cap,
        {{ rolled_over(
            'carried.carried_quantities',
            'carried.quantity',
            'carried.demanded_quantity',
            'carried.rollover_cap'
        ) | indent(8) }} as carried_quantities
    from carried
    inner join rolling
        on
            carried.contract_id = rolling.contract_id
            and carried.term_id = rolling.term_id
            and carried.cell_number + 1 = rolling.cell_number
),

final as (
    select
        needed.contract_id,
        needed.term_id,
        needed.term_kind,
        needed.cell_start_date,
        needed.quantity,
        coalesce({{ list_total('carried.carried_quantities') }}, {{ zero_quantity() }})
            as carried_quantity,
        cast(
            needed.quantity
            + coalesce(
                {{ list_total('carried.carried_quantities') }}, {{ zero_quantity() }}
            ) as decimal(38, 9)
        ) as supply_quantity,
        needed.demanded_quantity
    from needed
    left join carried
        on
            needed.contract_id = carried.contract_id
            and needed.term_id = carried.term_id
            and needed.cell_number = carried.cell_number
)

select * from final
