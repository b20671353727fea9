with source as (
    select * from {{ source('price_book', 'terms') }}
),

final as (
    select
        cast(term_id as varchar) as term_id,
        cast(term_kind as varchar) as term_kind,
        cast(term_name as varchar) as term_name,
        cast(plan_id as varchar) as plan_id,
        cast(contract_id as varchar) as contract_id,
        cast(term_number as integer) as term_number,
        cast(effective_from_date as date) as effective_from_date,
        cast(effective_to_date as date) as effective_to_date,
        cast(percent as decimal(38, 12)) as percent,
        cast(quantity as decimal(38, 9)) as quantity,
        cast(proration as varchar) as proration,
        cast(trial_unit as varchar) as trial_unit,
        cast(trial_length as integer) as trial_length,
        cast(commitment_span as varchar) as commitment_span,
        cast(overage_factor as decimal(38, 12)) as overage_factor,
        cast(rollover_cap as decimal(38, 9)) as rollover_cap,
        cast(rollover_periods as integer) as rollover_periods,
        cast(product_id as varchar) as product_id,
        cast(author as varchar) as author,
        cast(reason as varchar) as reason,
        cast(reference_version as varchar) as reference_version
    from source
)

select * from final
