with source as (
    select * from {{ source('reference', 'control_total_measures') }}
),

final as (
    select
        cast(source_prefix as varchar) as source_prefix,
        cast(system_id as varchar) as system_id,
        cast(measure as varchar) as measure,
        cast(grace_hours as integer) as grace_hours,
        cast(is_expected_daily as boolean) as is_expected_daily,
        cast(expected_from_date as date) as expected_from_date,
        cast(expected_to_date as date) as expected_to_date,
        cast(landing_folder as varchar) as landing_folder,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
