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

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

list_prices as (
    select * from charges
    where contract_id is null
),

overrides as (
    select * from charges
    where contract_id is not null
),

-- Days of a cell on which one contract version is in force.
spans as (
    select
        contracts.contract_id,
        contract_versions.contract_version,
        contract_versions.plan_id,
        cells.cell_start_date,
        cells.cell_end_date,
        cells.cell_start_at,
        cells.cell_end_at,
        greatest(
            cells.cell_start_date,
            contracts.start_date,
            contract_versions.effective_from_date
        ) as span_start_date,
        least(
            cells.cell_end_date,
            coalesce(contracts.end_date, cells.cell_end_date),
            coalesce(contract_versions.effective_to_date, cells.cell_end_date)
        ) as span_end_date
    from cells
    inner join contracts on cells.contract_id = contracts.contract_id
    inner join
        contract_versions
        on contracts.contract_id = contract_versions.contract_id
),

-- … and one list price.
pieces as (
    select
        spans.contract_id,
        spans.contract_version,
        spans.plan_id,
        spans.cell_start_date,
        spans.cell_end_date,
        spans.cell_start_at,
        spans.cell_end_at,
        list_prices.charge_id,
        list_prices.charge_price_id as list_charge_price_id,
        list_prices.charge_name,
        list_prices.charge_model,
        list_prices.product_id,
        list_prices.meter_id,
        list_prices.billing_timing,
        list_prices.proration,
        greatest(spans.span_start_date, list_prices.effective_from_date)
            as piece_start_date,
        least(
            spans.span_end_date,
            coalesce(list_prices.effective_to_date, spans.span_end_date)
        ) as piece_end_date
    from spans
    inner join list_prices
        on
            spans.plan_id = list_prices.plan_id
            and spans.span_end_date > list_prices.effective_from_date
            and spans.span_start_date
            < coalesce(list_prices.effective_to_date, spans.span_end_date)
    where spans.span_start_date < spans.span_end_date
),

-- A contract's own price cuts the pieces that it overlaps.
override_cuts as (
    select
        pieces.contract_id,
        pieces.charge_id,
        pieces.piece_start_date,
        greatest(pieces.piece_start_date, overrides.effective_from_date) as cut_date
    from pieces
    inner join overrides
        on
            pieces.contract_id = overrides.contract_id
            and pieces.charge_id = overrides.charge_id
            and pieces.piece_end_date > overrides.effective_from_date
            and pieces.piece_start_date
            < coalesce(overrides.effective_to_date, pieces.piece_end_date)
    union
    select
        pieces.contract_id,
        pieces.charge_id,
        pieces.piece_start_date,
        overrides.effective_to_date as cut_date
    from pieces
    inner join overrides
        on
            pieces.contract_id = overrides.contract_id
            and pieces.charge_id = overrides.charge_id
            and pieces.piece_start_date < overrides.effective_to_date
            and pieces.piece_end_date > overrides.effective_to_date
    union
    select
        pieces.contract_id,
        pieces.charge_id,
        pieces.piece_start_date,
        pieces.piece_start_date as cut_date
    from pieces
    inner join overrides
        on
            pieces.contract_id = overrides.contract_id
            and pieces.charge_id = overrides.charge_id
            and pieces.piece_end_date > overrides.effective_from_date
            and pieces.piece_start_date
            < coalesce(overrides.effective_to_date, pieces.piece_end_date)
),

cut_pieces as (
    select
        contract_id,
        charge_id,
        piece_start_date,
        cut_date,
        lead(cut_date) over (
            partition by contract_id, charge_id, piece_start_date
            order by cut_date
        ) as next_cut_date
    from override_cuts
),

priced_pieces as (
    select
        pieces.*,
        coalesce(cut_pieces.cut_date, pieces.piece_start_date) as segment_start_date,
        coalesce(cut_pieces.next_cut_date, pieces.piece_end_date) as segment_end_date
    from pieces
    left join cut_pieces
        on
            pieces.contract_id = cut_pieces.contract_id
            and pieces.charge_id = cut_pieces.charge_id
            and pieces.piece_start_date = cut_pieces.piece_start_date
),

segments as (
    select
        priced_pieces.*,
        coalesce(overrides.charge_price_id, priced_pieces.list_charge_price_id)
            as charge_price_id,
        overrides.charge_price_id is not null as is_override,
        {{ days_between(
            'priced_pieces.segment_start_date', 'priced_pieces.segment_end_date'
        ) }} as segment_days,
        {{ days_between(
            'priced_pieces.cell_start_date', 'priced_pieces.cell_end_date'
        ) }} as cell_days
    from priced_pieces
    left join overrides
        on
            priced_pieces.contract_id = overrides.contract_id
            and priced_pieces.charge_id = overrides.charge_id
            and priced_pieces.segment_start_date >= overrides.effective_from_date
            and (
                overrides.effective_to_date is null
                or priced_pieces.segment_start_date < overrides.effective_to_date
            )
),

described as (
    select
        segments.contract_id,
        contracts.contract_lineage_id,
        segments.contract_version,
        contracts.customer_id as contract_customer_id,
        coalesce(customers.bill_to_customer_id, contracts.customer_id)
            as bill_to_customer_id,
        contracts.legal_entity_id,
        contracts.currency_code,
        contracts.tax_profile,
        contracts.time_zone,
        segments.plan_id,
        segments.charge_id,
        segments.charge_name,
        segments.charge_model,
        segments.charge_price_id,
        segments.is_override,
        segments.product_id,
        products.erp_item,
        products.revenue_account,
        case when segments.charge_model = 'flat' then 'fee' else 'usage' end
            as line_kind,
        segments.meter_id,
        meters.unit,
        meters.aggregation,
        meters.carry_in,
        meters.is_negative_allowed,
        segments.billing_timing,
        segments.proration,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.cell_start_at,
        segments.cell_end_at,
        segments.segment_start_date,
        segments.segment_end_date,
        case
            when segments.segment_start_date = segments.cell_start_date
                then segments.cell_start_at
            else {{ local_day_start_at(
                'segments.segment_start_date', 'contracts.time_zone'
            ) | indent(12) }}
        end as service_start_at,
        case
            when segments.segment_end_date = segments.cell_end_date
                then segments.cell_end_at
            else {{ local_day_start_at(
                'segments.segment_end_date', 'contracts.time_zone'
            ) | indent(12) }}
        end as service_end_at,
        segments.segment_days,
        segments.cell_days,
        contracts.reference_version
    from segments
    inner join contracts on segments.contract_id = contracts.contract_id
    left join customers on contracts.customer_id = customers.customer_id
    left join products on segments.product_id = products.product_id
    left join meters on segments.meter_id = meters.meter_id
),

-- A run goes on while the same price is in force, whatever else changes.
compared as (
    select
        *,
        case
            when
                charge_price_id = lag(charge_price_id) over (
                    partition by contract_id, charge_id, cell_start_date
                    order by service_start_at
                )
                and service_start_at = lag(service_end_at) over (
                    partition by contract_id, charge_id, cell_start_date
                    order by service_start_at
                )
                then 0
            else 1
        end as is_run_start
    from described
),

-- An advance fee is due when its first day begins.
begun as (
    select
        *,
        sum(is_run_start) over (
            partition by contract_id, charge_id, cell_start_date
            order by service_start_at
        ) as run_number,
        row_number() over (
            partition by contract_id, charge_id, cell_start_date
            order by segment_start_date
        ) as segment_number,
        min(segment_start_date) over (
            partition by contract_id, charge_id, cell_start_date
        ) as active_from_date,
        min(service_start_at) over (
            partition by contract_id, charge_id, cell_start_date
        ) as active_from_at,
        sum(segment_days) over (
            partition by contract_id, charge_id, cell_start_date
        ) as active_days
    from compared
),

final as (
    select
        begun.contract_id,
        begun.contract_lineage_id,
        begun.contract_version,
        begun.contract_customer_id,
        begun.bill_to_customer_id,
        begun.legal_entity_id,
        begun.currency_code,
        begun.tax_profile,
        begun.time_zone,
        begun.plan_id,
        begun.charge_id,
        begun.charge_name,
        begun.charge_model,
        begun.charge_price_id,
        begun.is_override,
        begun.product_id,
        begun.erp_item,
        begun.revenue_account,
        begun.line_kind,
        begun.meter_id,
        begun.unit,
        begun.aggregation,
        begun.carry_in,
        coalesce(begun.is_negative_allowed, false) as is_negative_allowed,
        begun.billing_timing,
        {{ billing_period(
            'begun.billing_timing', 'begun.active_from_date', 'begun.cell_end_date'
        ) }} as billing_period,
        {{ is_due(
            'begun.billing_timing',
            'begun.active_from_at',
            'begun.cell_end_at',
            'known_until.known_until_at'
        ) }} as is_due,
        begun.cell_start_date,
        begun.cell_end_date,
        begun.cell_start_at,
        begun.cell_end_at,
        begun.segment_start_date,
        begun.segment_end_date,
        begun.service_start_at,
        begun.service_end_at,
        cast(begun.segment_number as integer) as segment_number,
        cast(begun.run_number as integer) as run_number,
        -- A fee is for its share of the full cell; a level for its share of the days
        -- that are priced.
        cast(
            case
                when begun.charge_model = 'flat' and begun.proration = 'day'
                    then begun.segment_days
                when begun.charge_model = 'flat' and begun.segment_number > 1 then 0
                when begun.aggregation in ('max', 'latest', 'unique_count')
                    then begun.segment_days
                else 1
            end as integer
        ) as share_days,
        cast(
            case
                when begun.charge_model = 'flat' and begun.proration = 'day'
                    then begun.cell_days
                when begun.aggregation in ('max', 'latest', 'unique_count')
                    then begun.active_days
                else 1
            end as integer
        ) as share_of_days,
        begun.reference_version
    from begun
    cross join known_until
)

select * from final
