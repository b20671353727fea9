{#- Announced source-days against those of which lines were read. -#}

with source_days as (
    select * from {{ ref('fct_source_days') }}
),

figures as (
    select
        'announced' as checkpoint_name,
        cast(null as varchar) as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        1 as item_count
    from source_days
    union all
    select
        'raw' as checkpoint_name,
        null as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        1 as item_count
    from source_days
    where event_count > 0
    union all
    select
        'raw' as checkpoint_name,
        arrival as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        -1 as item_count
    from source_days
    where arrival <> 'arrived'
),

final as (
    select
        checkpoint_name,
        reason,
        system_id,
        event_month,
        cast(sum(item_count) as bigint) as item_count
    from figures
    group by checkpoint_name, reason, system_id, event_month
)

select * from final
