with revisions as (
    select * from {{ ref('stg_operations__revisions') }}
    where state = 'signed'
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('bill', 'correct')
),

metered as (
    select * from {{ ref('int_usage__metered') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
    where meter_id is not null
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

signed_months as (
    select
        legal_entity_id,
        billing_period,
        min(last_ingestion_batch_id) as last_ingestion_batch_id
    from revisions
    group by legal_entity_id, billing_period
),

first_batch as (
    select min(last_ingestion_batch_id) as last_ingestion_batch_id
    from signed_months
),

-- A key that was billed or corrected later counts what came by then.
signed_keys as (
    select
        entries.settlement_key,
        max(revisions.last_ingestion_batch_id) as last_ingestion_batch_id
    from entries
    inner join revisions on entries.revision_id = revisions.revision_id
    group by entries.settlement_key
),

late_rows as (
    select metered.*
    from metered
    cross join first_batch
    where
        metered.contract_id is not null
        and metered.ingestion_batch_id > first_batch.last_ingestion_batch_id
),

late_usage as (
    select
        rated_lines.settlement_key,
        rated_lines.meter_id,
        rated_lines.unit,
        cast(sum(late_rows.event_count) as bigint) as event_count,
        {{ limited_sum('late_rows.quantity_sum') }} as quantity,
        min(late_rows.ingestion_batch_id) as first_ingestion_batch_id,
        max(late_rows.ingestion_batch_id) as last_ingestion_batch_id
    from late_rows
    inner join rated_lines
        on
            late_rows.contract_id = rated_lines.contract_id
            and late_rows.customer_id = rated_lines.customer_id
            and late_rows.meter_id = rated_lines.meter_id
            and late_rows.dimension_key = rated_lines.dimension_key
            and late_rows.first_event_at >= rated_lines.service_start_at
            and late_rows.first_event_at < rated_lines.service_end_at
    inner join signed_months
        on
            rated_lines.legal_entity_id = signed_months.legal_entity_id
            and rated_lines.billing_period = signed_months.billing_period
    left join signed_keys on rated_lines.settlement_key = signed_keys.settlement_key
    where
        late_rows.ingestion_batch_id > coalesce(
            signed_keys.last_ingestion_batch_id, signed_months.last_ingestion_batch_id
        )
    group by
        rated_lines.settlement_key,
        rated_lines.meter_id,
        rated_lines.unit
),

final as (
    select
        late_usage.settlement_key,
        settlements.legal_entity_id,
        settlements.billing_period,
        settlements.bill_to_customer_id,
        settlements.customer_id,
        settlements.contract_lineage_id,
        settlements.charge_id,
        late_usage.meter_id,
        late_usage.event_count,
        cast(
            case
                when meters.aggregation = 'count' then late_usage.event_count
                when {{ is_sum_of_events('meters') }} then late_usage.quantity
            end as decimal(38, 9)
        ) as quantity,
        late_usage.unit,
        late_usage.first_ingestion_batch_id,
        late_usage.last_ingestion_batch_id,
        settlements.currency_code,
        cast(settlements.due_amount as decimal(38, 4)) as due_amount,
        settlements.exception_code
    from late_usage
    inner join settlements on late_usage.settlement_key = settlements.settlement_key
    inner join meters on late_usage.meter_id = meters.meter_id
)

select * from final
