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
    select
        contract_id,
        contract_lineage_id,
        currency_code,
        time_zone,
        billing_anchor_day,
        min(span_start_at) as contract_start_at
    from contract_spans
    group by
        contract_id,
        contract_lineage_id,
        currency_code,
        time_zone,
        billing_anchor_day
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
        contracts.billing_anchor_day,
        contracts.contract_start_at
    from cells
    inner join contracts on cells.contract_id = contracts.contract_id
),

-- The parts of each cell in which a term is in force.
placed as (
    select
        terms.*,
        contract_cells.contract_lineage_id,
        contract_cells.currency_code,
        contract_cells.time_zone,
        contract_cells.billing_anchor_day,
        contract_cells.contract_start_at,
        contract_cells.cell_number,
        contract_cells.cell_start_date,
        contract_cells.cell_end_date,
        contract_cells.cell_start_at,
        contract_cells.cell_end_at,
        min(terms.in_force_from_at) over whole_term as term_from_at,
        max(terms.in_force_to_at) over whole_term as term_to_at,
        greatest(terms.in_force_from_at, contract_cells.cell_start_at) as from_at,
        least(terms.in_force_to_at, contract_cells.cell_end_at) as to_at
    from terms
    inner join contract_cells
        on
            terms.contract_id = contract_cells.contract_id
            and terms.in_force_from_at < contract_cells.cell_end_at
            and terms.in_force_to_at > contract_cells.cell_start_at
    window whole_term as (partition by terms.contract_id, terms.term_id)
),

dated as (
    select
        *,
        {{ local_date('from_at', 'time_zone') }} as from_date,
        {{ last_local_date('to_at', 'time_zone') }} + 1 as to_date
    from placed
),

-- A day counts for what holds at its first moment under the contract.
counted as (
    select
        *,
        case
            when
                from_at > greatest(
                    {{ local_day_start_at('from_date', 'time_zone') }},
                    contract_start_at
                )
                then from_date + 1
            else from_date
        end as counted_from_date
    from dated
),

measured as (
    select
        counted.*,
        {{ prorated_columns(
            'proration', 'from_at', 'to_at', 'counted_from_date',
            'greatest(counted_from_date, to_date)', 'counted', 'time'
        ) | indent(8) }}
    from counted
),

summed as (
    select
        contract_id,
        term_id,
        cell_start_date,
        min(contract_lineage_id) as contract_lineage_id,
        min(term_kind) as term_kind,
        min(term_name) as term_name,
        min(term_number) as term_number,
        min(currency_code) as currency_code,
        min(time_zone) as time_zone,
        min(cell_number) as cell_number,
        min(cell_end_date) as cell_end_date,
        min(cell_start_at) as cell_start_at,
        min(cell_end_at) as cell_end_at,
        min(term_from_at) as term_from_at,
        min(term_to_at) as term_to_at,
        min(from_at) as from_at,
        max(to_at) as to_at,
        min(percent) as percent,
        min(quantity) as quantity,
        min(proration) as proration,
        min(rollover_cap) as rollover_cap,
        min(rollover_periods) as rollover_periods,
        min(commitment_span) as commitment_span,
        min(overage_factor) as overage_factor,
        min(product_id) as product_id,
        min(reference_version) as reference_version,
        cast(sum(time_units) as {{ whole_number() }}) as time_units,
        min(time_of_units) as time_of_units
    from measured
    group by contract_id, term_id, cell_start_date
),

shared as (
    select
        summed.*,
        {{ scaled_integer('term_amounts.amount', 12) }} as amount_units,
        currencies.minor_unit
    from summed
    left join term_amounts
        on
            summed.term_id = term_amounts.term_id
            and summed.currency_code = term_amounts.currency_code
    left join currencies on summed.currency_code = currencies.currency_code
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
        term_from_at as in_force_from_at,
        term_to_at <= cell_end_at as is_last_cell,
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
