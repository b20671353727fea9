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
        contract_spans.contract_id,
        contract_spans.time_zone
    from contract_spans
    semi join charges on contract_spans.contract_id = charges.contract_id
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

days_begun_before as (
    select
        contract_id,
        end_at,
        last_date
    from dated_spans
    where end_at < cell_end_at
),

-- A day counts for the version that is in force at its first moment under the contract.
counted_spans as (
    select
        dated_spans.*,
        case
            when days_begun_before.contract_id is null then dated_spans.first_date
            else dated_spans.first_date + 1
        end as counted_from_date
    from dated_spans
    left join days_begun_before
        on
            dated_spans.contract_id = days_begun_before.contract_id
            and dated_spans.start_at = days_begun_before.end_at
            and dated_spans.first_date = days_begun_before.last_date
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

-- A contract's own price and a discount cut the pieces in which they begin or end.
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

cuts as (
    select
        contract_id,
        charge_id,
        {{ start_of_time() }} as cut_at
    from cutting_spans
    union
    select
        contract_id,
        charge_id,
        cut_from_at as cut_at
    from cutting_spans
    union
    select
        contract_id,
        charge_id,
        cut_to_at as cut_at
    from cutting_spans
),

uncut_spans as (
    select
        contract_id,
        charge_id,
        cut_at as uncut_from_at,
        lead(cut_at, 1, {{ end_of_time() }}) over (
            partition by contract_id, charge_id
            order by cut_at
        ) as uncut_to_at
    from cuts
),

segments as (
    select
        pieces.*,
        greatest(
            pieces.piece_start_at,
            coalesce(uncut_spans.uncut_from_at, pieces.piece_start_at)
        ) as service_start_at,
        least(
            pieces.piece_end_at,
            coalesce(uncut_spans.uncut_to_at, pieces.piece_end_at)
        ) as service_end_at
    from pieces
    left join uncut_spans
        on
            pieces.contract_id = uncut_spans.contract_id
            and pieces.charge_id = uncut_spans.charge_id
            and pieces.piece_end_at > uncut_spans.uncut_from_at
            and pieces.piece_start_at < uncut_spans.uncut_to_at
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

counted as (
    select
        dated.*,
        case
            when service_start_at = start_at then counted_from_date
            else segment_start_date
        end as counted_start_date
    from dated
),

-- A segment that fills its cell is its only one.
filling as (
    select
        *,
        1 as segment_number,
        1 as run_number,
        1 as cell_segment_count
    from counted
    where service_start_at = cell_start_at and service_end_at = cell_end_at
),

-- A run goes on while the same price is in force, whatever else changes.
neighboured as (
    select
        *,
        lag(charge_price_id) over cell_segments as charge_price_id_before,
        lag(service_end_at) over cell_segments as service_end_at_before
    from counted
    where service_start_at > cell_start_at or service_end_at < cell_end_at
    window cell_segments as (
        partition by contract_id, charge_id, cell_start_date
        order by service_start_at
    )
),

numbered as (
    select
        neighboured.*,
        row_number() over cell_segments as segment_number,
        sum(
            case
                when
                    charge_price_id = charge_price_id_before
                    and service_start_at = service_end_at_before
                    then 0
                else 1
            end
        ) over cell_segments as run_number,
        count(*) over (
            partition by contract_id, charge_id, cell_start_date
        ) as cell_segment_count
    from neighboured
    window cell_segments as (
        partition by contract_id, charge_id, cell_start_date
        order by service_start_at
    )
),

{% set columns -%}
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
        cast(segment_number as integer) as segment_number,
        cast(run_number as integer) as run_number,
        cast(cell_segment_count as integer) as cell_segment_count,
        reference_version
{%- endset -%}
final as (
    select
        {{ columns }}
    from filling
    union all
    select
        {{ columns }}
    from numbered
)

select * from final
