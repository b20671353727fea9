{{ config(materialized='view') }}

with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
    where contract_id is null
),

terms as (
    select * from {{ ref('int_terms__celled') }}
    where term_kind in ('commitment', 'maximum_spend', 'one_off')
),

left_out as (
    select * from {{ ref('stg_rerating__left_out') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

zones as (
    select distinct time_zone
    from contract_spans
),

-- Prices change at the start of a day, which each zone has at an instant of its own.
prices as (
    select
        charges.plan_id,
        charges.charge_id,
        charges.billing_timing,
        zones.time_zone,
        {{ local_day_start_at('charges.effective_from_date', 'zones.time_zone')
            | indent(8) }} as price_start_at,
        coalesce(
            {{ local_day_start_at('charges.effective_to_date', 'zones.time_zone')
                | indent(12) }},
            {{ end_of_time() }}
        ) as price_end_at
    from charges
    cross join zones
),

active as (
    select
        contract_spans.contract_id,
        contract_spans.contract_lineage_id,
        contract_spans.legal_entity_id,
        contract_spans.time_zone,
        prices.charge_id,
        prices.billing_timing,
        cells.cell_start_date,
        cells.cell_end_date,
        cells.cell_start_at,
        cells.cell_end_at,
        greatest(
            cells.cell_start_at, contract_spans.span_start_at, prices.price_start_at
        ) as active_from_at,
        least(
            cells.cell_end_at, contract_spans.span_end_at, prices.price_end_at
        ) as active_to_at
    from cells
    inner join contract_spans on cells.contract_id = contract_spans.contract_id
    inner join prices
        on
            contract_spans.plan_id = prices.plan_id
            and contract_spans.time_zone = prices.time_zone
),

-- What is active throughout a cell is so once; other stretches come together.
expected_charges as (
    select
        contract_id,
        contract_lineage_id,
        time_zone,
        charge_id,
        billing_timing,
        cell_start_date,
        cell_end_date,
        cell_end_at,
        legal_entity_id,
        active_from_at
    from active
    where active_from_at = cell_start_at and active_to_at = cell_end_at
    union all
    select
        contract_id,
        contract_lineage_id,
        time_zone,
        charge_id,
        billing_timing,
        cell_start_date,
        cell_end_date,
        cell_end_at,
        min_by(legal_entity_id, active_from_at) as legal_entity_id,
        min(active_from_at) as active_from_at
    from active
    where
        active_from_at < active_to_at
        and (active_from_at > cell_start_at or active_to_at < cell_end_at)
    group by
        contract_id,
        contract_lineage_id,
        time_zone,
        charge_id,
        billing_timing,
        cell_start_date,
        cell_end_date,
        cell_end_at
),

-- A term has an outcome in each cell too; a one-off where its day lies.
expected_terms as (
    select
        terms.contract_id,
        terms.contract_lineage_id,
        terms.time_zone,
        terms.term_id as charge_id,
        case when terms.term_kind = 'one_off' then 'advance' else 'arrears' end
            as billing_timing,
        terms.cell_start_date,
        terms.cell_end_date,
        terms.cell_end_at,
        min_by(contract_spans.legal_entity_id, contract_spans.span_start_at)
            as legal_entity_id,
        terms.from_at as active_from_at
    from terms
    inner join contract_spans
        on
            terms.contract_id = contract_spans.contract_id
            and terms.from_at < contract_spans.span_end_at
            and terms.to_at > contract_spans.span_start_at
    group by
        terms.contract_id,
        terms.contract_lineage_id,
        terms.time_zone,
        terms.term_id,
        terms.term_kind,
        terms.cell_start_date,
        terms.cell_end_date,
        terms.cell_end_at,
        terms.from_at
),

expected as (
    select * from expected_charges
    union all
    select * from expected_terms
),

final as (
    select
        expected.contract_id,
        expected.contract_lineage_id,
        expected.legal_entity_id,
        expected.charge_id,
        expected.billing_timing,
        expected.cell_start_date,
        expected.cell_end_date,
        {{ billing_period(
            'expected.billing_timing',
            local_date('expected.active_from_at', 'expected.time_zone'),
            'expected.cell_end_date'
        ) }} as billing_period,
        {{ is_due(
            'expected.billing_timing',
            'expected.active_from_at',
            'expected.cell_end_at',
            'known_until.known_until_at'
        ) }} as is_due
    from expected
    cross join known_until
    anti join left_out
        on expected.contract_lineage_id = left_out.contract_lineage_id
)

select * from final
