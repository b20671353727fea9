with corrections as (
    select * from {{ ref('stg_policy__corrections') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

known_until as (
    select cast(max(started_at) as date) as known_until_date
    from batches
),

final as (
    select
        case
            when corrections.months_back is not null
                then
                    {{ month_text(add_months(
                        'known_until.known_until_date', '-corrections.months_back', 1
                    )) }}
        end as first_open_period
    from corrections
    cross join known_until
)

select * from final
