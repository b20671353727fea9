with terms as (
    select * from {{ ref('int_terms__in_force') }}
),

term_amounts as (
    select * from {{ ref('stg_price_book__term_amounts') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

contracts as (
    select distinct
        contract_id,
        contract_lineage_id,
        currency_code,
        time_zone,
        billing_anchor_day
    from contract_spans
),

contract_cells as (
    select
        cells.contract_id,
        cells.cell_number,
        cells.cell_start_date,
        cells.cell_end_date,
        cells.cell_start_at,
        cells.cell_end_at,
        contracts.contract_lineage_id,
        contracts.currency_code,
        contracts.time_zone,
        contracts.billing_anchor_day
    from cells
    inner join contracts on cells.contract_id = contracts.contract_id
),

-- The part of each cell in which a term is in force.
placed as (
    select
        terms.*,
        contract_cells.contract_lineage_id,
        contract_cells.currency_code,
        contract_cells.time_zone,
        contract_cells.billing_anchor_day,
        contract_cells.cell_number,
        contract_cells.cell_start_date,
        contract_cells.cell_end_date,
        contract_cells.cell_start_at,
        contract_cells.cell_end_at,
        greatest(terms.in_force_from_at, contract_cells.cell_start_at) as from_at,
        least(terms.in_force_to_at, contract_cells.cell_end_at) as to_at
    from terms
    inner join contract_cells
        on
            terms.contract_id = contract_cells.contract_id
            and terms.in_force_from_at < contract_cells.cell_end_at
            and terms.in_force_to_at > contract_cells.cell_start_at
),

shared as (
    select
        placed.*,
        {{ scaled_integer('term_amounts.amount', 12) }} as amount_units,
        currencies.minor_unit,
        {{ prorated_columns(
            'placed.proration', 'placed.from_at', 'placed.to_at', 'placed.time_zone', 'placed',
            'time'
        ) | indent(8) }}
    from placed
    left join term_amounts
        on
            placed.term_id = term_amounts.term_id
            and placed.currency_code = term_amounts.currency_code
    left join currencies on placed.currency_code = currencies.currency_code
),

final as (
    select
        contract_id,
        contract_lineage_id,
        term_id,
        term_kind,
        term_name,
        term_number,
        currency_code,
        time_zone,
        minor_unit,
        cell_number,
        cell_start_date,
        cell_end_date,
        cell_start_at,
        cell_end_at,
        in_force_from_at,
        in_force_to_at <= cell_end_at as is_last_cell,
        from_at,
        to_at,
        percent,
        cast(
            case
                when proration = 'none' then quantity
                else {{ from_scaled_integer(
                    rounded_quotient(
                        '(' ~ scaled_integer('quantity', 9) ~ ' * time_units)',
                        'time_of_units',
                        "'half_away'"
                    ),
                    9
                ) | indent(20) }}
            end as decimal(38, 9)
        ) as quantity,
        rollover_cap,
        rollover_periods,
        commitment_span,
        overage_factor,
        product_id,
        cast(
            case
                when proration = 'none' or commitment_span = 'term' then amount_units
                else {{ rounded_quotient(
                    '(amount_units * time_units)', 'time_of_units', "'half_away'"
                ) | indent(20) }}
            end as decimal(38, 0)
        ) as amount_units,
        reference_version
    from shared
)

select * from final
