with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

assigned as (
    select * from {{ ref('int_usage__assigned') }}
    where charge_id is not null
),

conflicted as (
    select * from {{ ref('int_charges__conflicted') }}
),

-- Readings of levels that are carried in, a day at a time.
readings as (
    select
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.customer_id,
        metered.dimension_key,
        metered.local_date,
        {{ latest_by(
            'metered.latest_quantity',
            [
                'metered.latest_event_at',
                'metered.latest_event_nanos',
                'metered.latest_event_source',
                'metered.latest_event_id',
            ]
        ) }} as quantity
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    inner join contracts on metered.contract_id = contracts.contract_id
    where meters.aggregation = 'latest' and meters.carry_in = 'previous'
    group by
        contracts.contract_lineage_id,
        metered.meter_id,
        metered.customer_id,
        metered.dimension_key,
        metered.local_date
),

levels as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        min(local_date) as first_local_date
    from readings
    group by contract_lineage_id, meter_id, customer_id, dimension_key
),

-- At a segment's start stands the last reading of the days before it.
level_steps as (
    select
        contract_lineage_id,
        meter_id,
        customer_id,
        dimension_key,
        local_date as step_date,
        true as is_reading,
        quantity,
        cast(null as varchar) as contract_id,
        cast(null as varchar) as charge_id
    from readings
    union all
    select
        levels.contract_lineage_id,
        levels.meter_id,
        levels.customer_id,
        levels.dimension_key,
        segments.segment_start_date as step_date,
        false as is_reading,
        cast(null as decimal(38, 9)) as quantity,
        segments.contract_id,
        segments.charge_id
    from levels
    inner join segments
        on
            levels.contract_lineage_id = segments.contract_lineage_id
            and levels.meter_id = segments.meter_id
            and levels.first_local_date < segments.segment_start_date
),

level_starts as (
    select
        *,
        last_value(quantity ignore nulls) over (
            partition by contract_lineage_id, meter_id, customer_id, dimension_key
            order by step_date, is_reading
        ) as level_quantity
    from level_steps
),

carried as (
    select
        contract_id,
        charge_id,
        step_date as segment_start_date,
        customer_id,
        dimension_key,
        level_quantity as quantity
    from level_starts
    where not is_reading
),

used as (
    select
        contract_id,
        charge_id,
        segment_start_date,
        customer_id,
        dimension_key,
        quantity,
        is_beyond_limit,
        negative_event_count > 0 as has_negative_events,
        event_count,
        event_count - unvalued_event_count as valued_event_count,
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at
    from assigned
    union all
    select
        carried.contract_id,
        carried.charge_id,
        carried.segment_start_date,
        carried.customer_id,
        carried.dimension_key,
        carried.quantity,
        false as is_beyond_limit,
        false as has_negative_events,
        0 as event_count,
        0 as valued_event_count,
        0 as digest_sum_1,
        0 as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from carried
    left join assigned
        on
            carried.contract_id = assigned.contract_id
            and carried.charge_id = assigned.charge_id
            and carried.segment_start_date = assigned.segment_start_date
            and carried.customer_id = assigned.customer_id
            and carried.dimension_key = assigned.dimension_key
    where assigned.contract_id is null
),

used_cells as (
    select distinct
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date
    from used
    inner join segments
        on
            used.contract_id = segments.contract_id
            and used.charge_id = segments.charge_id
            and used.segment_start_date = segments.segment_start_date
),

-- Segments with usage; fees; and one empty segment where a cell has no usage at all.
quantities as (
    select
        segments.*,
        used.customer_id,
        used.dimension_key,
        used.quantity,
        used.is_beyond_limit,
        used.has_negative_events,
        used.event_count,
        used.valued_event_count,
        used.digest_sum_1,
        used.digest_sum_2,
        used.first_event_at,
        used.last_event_at
    from segments
    inner join used
        on
            segments.contract_id = used.contract_id
            and segments.charge_id = used.charge_id
            and segments.segment_start_date = used.segment_start_date
    union all
    select
        segments.*,
        segments.contract_customer_id as customer_id,
        {{ no_dimension_values() }} as dimension_key,
        case when segments.charge_model = 'flat' then 1 else 0 end as quantity,
        false as is_beyond_limit,
        false as has_negative_events,
        0 as event_count,
        0 as valued_event_count,
        0 as digest_sum_1,
        0 as digest_sum_2,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at
    from segments
    left join used_cells
        on
            segments.contract_id = used_cells.contract_id
            and segments.charge_id = used_cells.charge_id
            and segments.cell_start_date = used_cells.cell_start_date
    where
        used_cells.contract_id is null
        and (segments.charge_model = 'flat' or segments.segment_number = 1)
),

keyed as (
    select
        *,
        aggregation in ('count', 'sum') as is_additive
    from quantities
),

identified as (
    select
        keyed.*,
        {{ settlement_key() }} as settlement_key
    from keyed
),

accumulated as (
    select
        identified.*,
        row_number() over (
            partition by identified.settlement_key
            order by identified.segment_start_date, identified.contract_id
        ) as key_segment_number,
        {{ limited_sum('identified.quantity') }} over (
            partition by identified.settlement_key
            order by identified.segment_start_date, identified.contract_id
            rows between unbounded preceding and current row
        ) as cumulative_quantity,
        bool_or(
            identified.is_beyond_limit
            or not {{ is_within_limit('identified.quantity') }}
        )
            over (partition by identified.settlement_key) as is_key_beyond_limit
    from identified
),

final as (
    select
        {{ content_id([
            'accumulated.settlement_key',
            'accumulated.contract_id',
            'accumulated.segment_start_date',
        ]) }} as rated_line_id,
        accumulated.settlement_key,
        accumulated.contract_id,
        accumulated.contract_lineage_id,
        accumulated.contract_version,
        accumulated.customer_id,
        accumulated.bill_to_customer_id,
        accumulated.legal_entity_id,
        accumulated.currency_code,
        accumulated.tax_profile,
        accumulated.plan_id,
        accumulated.charge_id,
        accumulated.charge_name,
        accumulated.charge_model,
        accumulated.charge_price_id,
        accumulated.is_override,
        accumulated.product_id,
        accumulated.erp_item,
        accumulated.revenue_account,
        accumulated.line_kind,
        accumulated.meter_id,
        accumulated.unit,
        accumulated.aggregation,
        accumulated.is_negative_allowed,
        accumulated.dimension_key,
        accumulated.billing_timing,
        accumulated.billing_period,
        accumulated.is_due,
        accumulated.cell_start_date,
        accumulated.cell_end_date,
        accumulated.segment_start_date,
        accumulated.segment_end_date,
        accumulated.service_start_at,
        accumulated.service_end_at,
        cast(accumulated.key_segment_number as integer) as key_segment_number,
        accumulated.share_days,
        accumulated.share_of_days,
        cast(accumulated.quantity as decimal(38, 9)) as quantity,
        -- Ladders continue over the segments of a key; fees and levels start anew.
        cast(
            case
                when accumulated.is_key_beyond_limit then null
                when accumulated.is_additive and accumulated.key_segment_number > 1
                    then accumulated.cumulative_quantity - accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_before,
        cast(
            case
                when accumulated.is_key_beyond_limit then null
                when accumulated.is_additive then accumulated.cumulative_quantity
                else accumulated.quantity
            end as decimal(38, 9)
        ) as quantity_after,
        accumulated.is_key_beyond_limit as is_beyond_limit,
        accumulated.has_negative_events,
        conflicted.contract_id is not null as has_conflicting_events,
        cast(accumulated.event_count as bigint) as event_count,
        cast(accumulated.valued_event_count as bigint) as valued_event_count,
        cast(accumulated.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(accumulated.digest_sum_2 as decimal(38, 0)) as digest_sum_2,
        accumulated.first_event_at,
        accumulated.last_event_at,
        accumulated.reference_version
    from accumulated
    left join conflicted
        on
            accumulated.contract_id = conflicted.contract_id
            and accumulated.charge_id = conflicted.charge_id
            and accumulated.cell_start_date = conflicted.cell_start_date
)

select * from final
