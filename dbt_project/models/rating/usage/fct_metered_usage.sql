with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

distinct_values as (
    select * from {{ ref('int_usage__distinct_values') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

days as (
    select
        contract_id,
        contract_version,
        customer_id,
        meter_id,
        dimension_key,
        local_date,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(unvalued_event_count) as bigint) as unvalued_event_count,
        {{ limited_sum('quantity_sum') }} as quantity_sum,
        max(quantity_max) as quantity_max,
        min(quantity_min) as quantity_min,
        {{ latest_by(
            'latest_quantity',
            ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
        ) }} as latest_quantity,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        sum(digest_sum_1) as digest_sum_1,
        sum(digest_sum_2) as digest_sum_2
    from metered
    group by
        contract_id,
        contract_version,
        customer_id,
        meter_id,
        dimension_key,
        local_date
),

unique_counts as (
    select
        contract_id,
        contract_version,
        customer_id,
        meter_id,
        dimension_key,
        local_date,
        count(
            distinct case when coalesce(has_add, true) then distinct_value end
        ) as unique_count
    from distinct_values
    group by
        contract_id,
        contract_version,
        customer_id,
        meter_id,
        dimension_key,
        local_date
),

value_events as (
    select
        distinct_values.contract_id,
        distinct_values.contract_version,
        distinct_values.customer_id,
        distinct_values.meter_id,
        distinct_values.dimension_key,
        distinct_values.local_date,
        meters.percentile,
        cast(distinct_values.distinct_value as decimal(38, 9)) as quantity,
        sum(distinct_values.event_count) as event_count
    from distinct_values
    inner join meters on distinct_values.meter_id = meters.meter_id
    where meters.aggregation = 'percentile'
    group by
        distinct_values.contract_id,
        distinct_values.contract_version,
        distinct_values.customer_id,
        distinct_values.meter_id,
        distinct_values.dimension_key,
        distinct_values.local_date,
        meters.percentile,
        distinct_values.distinct_value
),

{{ ranked_values('value_events', [
    'contract_id',
    'contract_version',
    'customer_id',
    'meter_id',
    'dimension_key',
    'local_date',
]) }},

final as (
    select
        days.contract_id,
        days.contract_version,
        days.customer_id,
        days.meter_id,
        days.dimension_key,
        days.local_date,
        meters.aggregation,
        meters.unit,
        cast(
            case meters.aggregation
                when 'unique_count'
                    then cast(coalesce(unique_counts.unique_count, 0) as decimal(38, 9))
                when 'percentile' then ranked.quantity
                when 'weighted_sum' then days.latest_quantity
                else {{ counted_quantity('meters.aggregation', 'days.') | indent(16) }}
            end as decimal(38, 9)
        ) as quantity,
        days.event_count,
        days.unvalued_event_count,
        days.first_event_at,
        days.last_event_at,
        cast(days.digest_sum_1 as decimal(38, 0)) as digest_sum_1,
        cast(days.digest_sum_2 as decimal(38, 0)) as digest_sum_2
    from days
    inner join meters on days.meter_id = meters.meter_id
    left join unique_counts
        on
            days.contract_id = unique_counts.contract_id
            and days.contract_version = unique_counts.contract_version
            and days.customer_id = unique_counts.customer_id
            and days.meter_id = unique_counts.meter_id
            and days.dimension_key = unique_counts.dimension_key
            and days.local_date = unique_counts.local_date
    left join ranked
        on
            days.contract_id = ranked.contract_id
            and days.contract_version = ranked.contract_version
            and days.customer_id = ranked.customer_id
            and days.meter_id = ranked.meter_id
            and days.dimension_key = ranked.dimension_key
            and days.local_date = ranked.local_date
)

select * from final
