with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

cells as (
    select * from {{ ref('int_contracts__cells') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
    where contract_id is null
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

active as (
    select
        contracts.contract_id,
        contracts.contract_lineage_id,
        contracts.legal_entity_id,
        contracts.time_zone,
        charges.charge_id,
        charges.billing_timing,
        cells.cell_start_date,
        cells.cell_end_date,
        cells.cell_end_at,
        greatest(
            cells.cell_start_date,
            contracts.start_date,
            contract_versions.effective_from_date,
            charges.effective_from_date
        ) as active_from_date,
        least(
            cells.cell_end_date,
            coalesce(contracts.end_date, cells.cell_end_date),
            coalesce(contract_versions.effective_to_date, cells.cell_end_date),
            coalesce(charges.effective_to_date, cells.cell_end_date)
        ) as active_to_date
    from cells
    inner join contracts on cells.contract_id = contracts.contract_id
    inner join
        contract_versions
        on contracts.contract_id = contract_versions.contract_id
    inner join charges on contract_versions.plan_id = charges.plan_id
),

expected as (
    select
        contract_id,
        contract_lineage_id,
        legal_entity_id,
        time_zone,
        charge_id,
        billing_timing,
        cell_start_date,
        cell_end_date,
        cell_end_at,
        min(active_from_date) as active_from_date
    from active
    where active_from_date < active_to_date
    group by
        contract_id,
        contract_lineage_id,
        legal_entity_id,
        time_zone,
        charge_id,
        billing_timing,
        cell_start_date,
        cell_end_date,
        cell_end_at
),

final as (
    select
        {{ content_id([
            'expected.contract_id',
            'expected.charge_id',
            'expected.cell_start_date',
            'expected.cell_end_date',
        ]) }}
            as expected_charge_id,
        expected.contract_id,
        expected.contract_lineage_id,
        expected.legal_entity_id,
        expected.charge_id,
        expected.billing_timing,
        expected.cell_start_date,
        expected.cell_end_date,
        {{ billing_period(
            'expected.billing_timing', 'expected.active_from_date', 'expected.cell_end_date'
        ) }} as billing_period,
        {{ is_due(
            'expected.billing_timing',
            local_day_start_at('expected.active_from_date', 'expected.time_zone'),
            'expected.cell_end_at',
            'known_until.known_until_at'
        ) }} as is_due
    from expected
    cross join known_until
)

select * from final
