{%- set price_starts_at = local_day_start_at(
    'charges.effective_from_date', 'zones.time_zone'
) -%}
{%- set price_ends_at = 'coalesce('
    ~ local_day_start_at('charges.effective_to_date', 'zones.time_zone')
    ~ ', ' ~ end_of_time() ~ ')' %}

with cells as (
    select * from {{ ref('int_contracts__cells') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

terms as (
    select * from {{ ref('int_terms__in_force') }}
    where term_kind in ('discount_percent', 'discount_amount', 'trial')
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

zones as (
    select distinct time_zone
    from contract_spans
),

contract_zones as (
    select distinct
        contract_id,
        time_zone
    from contract_spans
),

-- Prices change at the start of a day, which each zone has at an instant of its own.
list_prices as (
    select
        charges.*,
        zones.time_zone,
        {{ price_starts_at | indent(8) }} as price_start_at,
        {{ price_ends_at | indent(8) }} as price_end_at
    from charges
    cross join zones
    where charges.contract_id is null
),

overrides as (
    select
        charges.contract_id,
        charges.charge_id,
        charges.charge_price_id,
        {{ price_starts_at | indent(8) }} as price_start_at,
        {{ price_ends_at | indent(8) }} as price_end_at
    from charges
    inner join contract_zones as zones on charges.contract_id = zones.contract_id
),

-- The part of a cell in which one contract version is in force.
spans as (
    select
        contract_spans.*,
        cells.cell_start_date,
        cells.cell_end_date,
        cells.cell_start_at,
        cells.cell_end_at,
        greatest(cells.cell_start_at, contract_spans.span_start_at) as start_at,
        least(cells.cell_end_at, contract_spans.span_end_at) as end_at
    from cells
    inner join contract_spans
        on
            cells.contract_id = contract_spans.contract_id
            and cells.cell_end_at > contract_spans.span_start_at
            and cells.cell_start_at < contract_spans.span_end_at
),

dated_spans as (
    select
        *,
        {{ local_date('start_at', 'time_zone') }} as first_date,
        {{ last_local_date('end_at', 'time_zone') }} as last_date
    from spans
),

-- A day counts for the version that is in force at its first moment under the contract.
counted_spans as (
    select
        *,
        case
            when first_date = lag(last_date) over (
                partition by contract_id
                order by start_at
            ) then first_date + 1
            else first_date
        end as counted_from_date
    from dated_spans
),

-- … and in which one list price is.
pieces as (
    select
        counted_spans.*,
        list_prices.charge_id,
        list_prices.charge_price_id as list_charge_price_id,
        list_prices.meter_id,
        greatest(counted_spans.start_at, list_prices.price_start_at) as piece_start_at,
        least(counted_spans.end_at, list_prices.price_end_at) as piece_end_at
    from counted_spans
    inner join list_prices
        on
            counted_spans.plan_id = list_prices.plan_id
            and counted_spans.time_zone = list_prices.time_zone
            and counted_spans.end_at > list_prices.price_start_at
            and counted_spans.start_at < list_prices.price_end_at
),

-- A contract's own price and a discount cut the pieces that they overlap.
cutting_spans as (
    select
        contract_id,
        charge_id,
        price_start_at as cut_from_at,
        price_end_at as cut_to_at
    from overrides
    union all
    select
        terms.contract_id,
        term_charges.charge_id,
        terms.in_force_from_at as cut_from_at,
        terms.in_force_to_at as cut_to_at
    from terms
    inner join term_charges on terms.term_id = term_charges.term_id
),

overlapped_pieces as (
    select
        pieces.contract_id,
        pieces.charge_id,
        pieces.piece_start_at,
        pieces.piece_end_at,
        cutting_spans.cut_from_at,
        cutting_spans.cut_to_at
    from pieces
    inner join cutting_spans
        on
            pieces.contract_id = cutting_spans.contract_id
            and pieces.charge_id = cutting_spans.charge_id
            and pieces.piece_end_at > cutting_spans.cut_from_at
            and pieces.piece_start_at < cutting_spans.cut_to_at
),

cuts as (
    select
        contract_id,
        charge_id,
        piece_start_at,
        piece_start_at as cut_at
    from overlapped_pieces
    union
    select
        contract_id,
        charge_id,
        piece_start_at,
        cut_from_at as cut_at
    from overlapped_pieces
    where cut_from_at > piece_start_at
    union
    select
        contract_id,
        charge_id,
        piece_start_at,
        cut_to_at as cut_at
    from overlapped_pieces
    where cut_to_at < piece_end_at
),

cut_pieces as (
    select
        *,
        lead(cut_at) over (
            partition by contract_id, charge_id, piece_start_at
            order by cut_at
        ) as next_cut_at
    from cuts
),

segments as (
    select
        pieces.*,
        coalesce(cut_pieces.cut_at, pieces.piece_start_at) as service_start_at,
        coalesce(cut_pieces.next_cut_at, pieces.piece_end_at) as service_end_at
    from pieces
    left join cut_pieces
        on
            pieces.contract_id = cut_pieces.contract_id
            and pieces.charge_id = cut_pieces.charge_id
            and pieces.piece_start_at = cut_pieces.piece_start_at
),

priced_segments as (
    select
        segments.*,
        coalesce(overrides.charge_price_id, segments.list_charge_price_id)
            as charge_price_id,
        overrides.charge_price_id is not null as is_override
    from segments
    left join overrides
        on
            segments.contract_id = overrides.contract_id
            and segments.charge_id = overrides.charge_id
            and segments.service_start_at >= overrides.price_start_at
            and segments.service_start_at < overrides.price_end_at
),

dated as (
    select
        *,
        case
            when service_start_at = start_at then first_date
            else {{ local_date('service_start_at', 'time_zone') | indent(12) }}
        end as segment_start_date,
        case
            when service_end_at = end_at then last_date + 1
            else {{ last_local_date('service_end_at', 'time_zone') | indent(12) }} + 1
        end as segment_end_date
    from priced_segments
),

-- A run goes on while the same price is in force, whatever else changes.
neighboured as (
    select
        dated.*,
        case
            when dated.service_start_at = dated.start_at then dated.counted_from_date
            else dated.segment_start_date
        end as counted_start_date,
        lag(dated.charge_price_id) over cell_segments as charge_price_id_before,
        lag(dated.service_end_at) over cell_segments as service_end_at_before
    from dated
    window cell_segments as (
        partition by dated.contract_id, dated.charge_id, dated.cell_start_date
        order by dated.service_start_at
    )
),

started as (
    select
        *,
        case
            when
                charge_price_id = charge_price_id_before
                and service_start_at = service_end_at_before
                then 0
            else 1
        end as is_run_start
    from neighboured
),

final as (
    select
        contract_id,
        contract_lineage_id,
        contract_version,
        customer_id as contract_customer_id,
        bill_to_customer_id,
        legal_entity_id,
        currency_code,
        tax_profile,
        time_zone,
        billing_anchor_day,
        children,
        plan_id,
        charge_id,
        meter_id,
        charge_price_id,
        list_charge_price_id,
        is_override,
        cell_start_date,
        cell_end_date,
        cell_start_at,
        cell_end_at,
        service_start_at,
        service_end_at,
        segment_start_date,
        segment_end_date,
        counted_start_date,
        greatest(counted_start_date, segment_end_date) as counted_end_date,
        cast(
            row_number() over (
                partition by contract_id, charge_id, cell_start_date
                order by service_start_at
            ) as integer
        ) as segment_number,
        cast(
            sum(is_run_start) over (
                partition by contract_id, charge_id, cell_start_date
                order by service_start_at
            ) as integer
        ) as run_number,
        reference_version
    from started
)

select * from final
