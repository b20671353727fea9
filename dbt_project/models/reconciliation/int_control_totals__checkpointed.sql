{#-
    What sources say that they sent, by their control totals of events, against the lines of the
    same days. A line that repeats an identity is more than its source counts.
-#}

with control_totals as (
    select * from {{ ref('fct_control_totals') }}
    where measure = 'events' and announced_quantity is not null
),

figures as (
    select
        'announced' as checkpoint_name,
        cast(null as varchar) as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        cast(announced_quantity as bigint) as item_count
    from control_totals
    union all
    select
        'raw' as checkpoint_name,
        null as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        accepted_count as item_count
    from control_totals
    union all
    select
        'raw' as checkpoint_name,
        'repeated' as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        accepted_count - cast(arrived_quantity as bigint) as item_count
    from control_totals
    where accepted_count <> arrived_quantity
    union all
    select
        'raw' as checkpoint_name,
        agreement as reason,
        system_id,
        {{ month_text('usage_date') }} as event_month,
        cast(variance_quantity as bigint) as item_count
    from control_totals
    where agreement <> 'agrees'
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
