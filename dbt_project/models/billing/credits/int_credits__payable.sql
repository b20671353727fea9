with charged as (
    select * from {{ ref('int_candidates__charged') }}
),

grants as (
    select * from {{ ref('int_credits__opened') }}
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

-- A level is the same usage in every line of its run, so that units of it never add up.
level_charges as (
    select distinct charges.charge_id
    from charges
    inner join meters on charges.meter_id = meters.meter_id
    where not {{ is_additive('meters.aggregation', 'meters.window_aggregation') }}
),

granted_lineages as (
    select distinct contract_lineage_id
    from grants
),

granted_documents as (
    select distinct charged.document_id
    from charged
    inner join granted_lineages
        on charged.contract_lineage_id = granted_lineages.contract_lineage_id
),

-- In minor units of the currency: cents, yen, fils.
keys as (
    select
        charged.document_id,
        charged.settlement_key,
        charged.contract_lineage_id,
        charged.legal_entity_id,
        charged.charge_id,
        charged.line_kind,
        charged.currency_code,
        min(currencies.minor_unit) as minor_unit,
        min(charged.unit_label) as unit_label,
        min(charged.service_start_date) as service_start_date,
        max(charged.service_end_date) as service_end_date,
        {{ whole_quotient(
            scaled_integer('sum(charged.amount)', 4),
            power_of_ten('4 - min(currencies.minor_unit)')
        ) }} as amount_units,
        {{ whole_quotient(
            scaled_integer('min(charged.rated_amount)', 4),
            power_of_ten('4 - min(currencies.minor_unit)')
        ) }} as rated_units,
        {{ scaled_integer('sum(charged.quantity)', 9) }} as quantity_units,
        row_number() over (
            order by
                min(charged.billing_period),
                charged.charge_id,
                charged.cell_start_date,
                charged.contract_lineage_id,
                charged.dimension_key,
                charged.customer_id,
                charged.settlement_key
        ) as key_number
    from charged
    inner join granted_documents
        on charged.document_id = granted_documents.document_id
    inner join currencies on charged.currency_code = currencies.currency_code
    group by
        charged.document_id,
        charged.settlement_key,
        charged.contract_lineage_id,
        charged.legal_entity_id,
        charged.charge_id,
        charged.line_kind,
        charged.currency_code,
        charged.cell_start_date,
        charged.dimension_key,
        charged.customer_id
),

-- What a document takes back lowers first what it is about: a cap the charges under it,
-- a correction its own charge.
lowered as (
    select
        raised.document_id,
        raised.settlement_key,
        lowering.settlement_key as lowering_key,
        raised.amount_units,
        -lowering.amount_units as lowering_units,
        cast(
            sum(raised.amount_units) over (partition by lowering.settlement_key)
            as {{ whole_number() }}
        ) as covered_units
    from keys as lowering
    inner join keys as raised
        on
            lowering.document_id = raised.document_id
            and lowering.contract_lineage_id = raised.contract_lineage_id
    left join term_charges
        on
            lowering.charge_id = term_charges.term_id
            and raised.charge_id = term_charges.charge_id
    where
        lowering.amount_units < 0
        and raised.amount_units > 0
        and (
            lowering.charge_id = raised.charge_id
            or term_charges.charge_id is not null
        )
),

lowering_shares as (
    select
        document_id,
        settlement_key,
        {{ proportional_columns(
            'lowering_units', 'amount_units', 'covered_units', 'share'
        ) }}
    from lowered
),

lowered_keys as (
    select
        document_id,
        settlement_key,
        cast(sum(share_units) as {{ whole_number() }}) as lowering_units
    from lowering_shares
    group by document_id, settlement_key
),

left_over as (
    select
        keys.*,
        case
            when granted_lineages.contract_lineage_id is null
                then cast(0 as {{ whole_number() }})
            else greatest(
                keys.amount_units - coalesce(lowered_keys.lowering_units, 0),
                cast(0 as {{ whole_number() }})
            )
        end as left_units
    from keys
    left join granted_lineages
        on keys.contract_lineage_id = granted_lineages.contract_lineage_id
    left join lowered_keys
        on
            keys.document_id = lowered_keys.document_id
            and keys.settlement_key = lowered_keys.settlement_key
),

-- Nothing is drawn beyond what a contract owes on a document …
within_contracts as (
    select
        *,
        {{ up_to_net('left_units', ['document_id', 'contract_lineage_id']) }}
            as contract_units
    from left_over
),

-- … nor beyond what the document comes to.
within_documents as (
    select
        *,
        {{ up_to_net('contract_units', ['document_id']) }} as payable_units
    from within_contracts
),

-- Of a correction, usage goes along by what it is of all that the key is rated at.
measured as (
    select
        *,
        greatest(rated_units, amount_units) as whole_units,
        {{ proportional_columns(
            'quantity_units', 'payable_units', 'whole_units', 'part'
        ) }}
    from within_documents
    where payable_units > 0
),

final as (
    select
        measured.document_id,
        measured.settlement_key,
        measured.contract_lineage_id,
        measured.legal_entity_id,
        measured.charge_id,
        measured.line_kind,
        measured.currency_code,
        cast(measured.minor_unit as integer) as minor_unit,
        measured.unit_label,
        measured.service_start_date,
        measured.service_end_date,
        cast(measured.key_number as bigint) as key_number,
        cast(measured.payable_units as decimal(38, 0)) as payable_units,
        cast(
            case
                when measured.quantity_units > 0 and level_charges.charge_id is null
                    then measured.part_units
                else 0
            end as decimal(38, 0)
        ) as payable_quantity_units
    from measured
    left join level_charges on measured.charge_id = level_charges.charge_id
)

select * from final
