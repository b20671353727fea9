with source as (
    select * from {{ source('price_book', 'meters') }}
),

final as (
    select
        cast(meter_id as varchar) as meter_id,
        cast(meter_name as varchar) as meter_name,
        cast(unit as varchar) as unit,
        cast(aggregation as varchar) as aggregation,
        cast(event_types as varchar[]) as event_types,
        cast(
            value_factors as struct(
                property varchar,
                minimum decimal(38, 9),
                maximum decimal(38, 9),
                round_up_to decimal(38, 9)
            )[]
        ) as value_factors,
        cast(distinct_property as varchar) as distinct_property,
        cast(
            filters as struct(
                property varchar,
                is_negated boolean,
                "values" varchar[]
            )[]
        ) as filters,
        cast(dimensions as varchar[]) as dimensions,
        cast(is_negative_allowed as boolean) as is_negative_allowed,
        cast(carry_in as varchar) as carry_in,
        cast(percentile as decimal(38, 9)) as percentile,
        cast(operation_property as varchar) as operation_property,
        cast(operation_add as varchar[]) as operation_add,
        cast(operation_remove as varchar[]) as operation_remove,
        cast(weighted_by as varchar) as weighted_by,
        cast(window_unit as varchar) as window_unit,
        cast(window_aggregation as varchar) as window_aggregation,
        cast(empty_windows as varchar) as empty_windows,
        cast(keeps_each_event as boolean) as keeps_each_event,
        cast(definition_digest as varchar) as definition_digest,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
