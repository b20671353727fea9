{#-
    What reached each checkpoint, and what a reason took away or added before it, from what is
    already counted: affected lists, rejects, events set aside, counted events. No event is read.
-#}

with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
    where batch_kind = 'load'
),

arrived_days as (
    select * from {{ ref('int_source_days__arrived') }}
),

rejects as (
    select * from {{ ref('stg_usage__rejects') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
),

counted_events as (
    select * from {{ ref('int_events__counted') }}
),

event_sources as (
    select event_source from arrived_days
    union
    select event_source from rejects
    where event_source is not null
    union
    select event_source from set_aside
),

{{ systems_of_sources('event_sources') }},

accepted as (
    select
        systems.system_id,
        {{ month_text('arrived_days.event_date') }} as event_month,
        sum(arrived_days.event_count) as item_count
    from arrived_days
    inner join systems on arrived_days.event_source = systems.event_source
    group by systems.system_id, {{ month_text('arrived_days.event_date') }}
),

-- A line that breaks its contract may say whose it is, and never reliably when it was.
rejected as (
    select
        systems.system_id,
        rejects.reject_code as reason_code,
        count(*) as item_count
    from rejects
    left join systems on rejects.event_source = systems.event_source
    group by systems.system_id, rejects.reject_code
),

-- What was read and neither accepted nor rejected lies in no system and month.
read_lines as (
    select
        (select coalesce(sum(lines_read), 0) from batches)
        - (
            select coalesce(sum(item_count), 0)
            from accepted
        )
        - (
            select coalesce(sum(item_count), 0)
            from rejected
            where system_id is not null
        ) as item_count
),

aside as (
    select
        systems.system_id,
        {{ month_text('set_aside.event_date') }} as event_month,
        set_aside.set_aside_reason as reason,
        count(*) as item_count
    from set_aside
    inner join systems on set_aside.event_source = systems.event_source
    group by
        systems.system_id,
        {{ month_text('set_aside.event_date') }},
        set_aside.set_aside_reason
),

counted as (
    select
        system_id,
        {{ month_text('event_date') }} as event_month,
        contract_id is not null as is_resolved,
        case when contract_id is null then resolution_code end as reason_code,
        sum(event_count) as item_count
    from counted_events
    group by
        system_id,
        {{ month_text('event_date') }},
        contract_id is not null,
        case when contract_id is null then resolution_code end
),

figures as (
    select
        'raw' as checkpoint_name,
        cast(null as varchar) as reason,
        cast(null as varchar) as reason_code,
        system_id,
        event_month,
        item_count
    from accepted
    union all
    select
        'raw' as checkpoint_name,
        null as reason,
        null as reason_code,
        system_id,
        null as event_month,
        item_count
    from rejected
    where system_id is not null
    union all
    select
        'raw' as checkpoint_name,
        null as reason,
        null as reason_code,
        null as system_id,
        null as event_month,
        item_count
    from read_lines
    union all
    select
        'accepted' as checkpoint_name,
        'rejected' as reason,
        reason_code,
        system_id,
        null as event_month,
        -item_count as item_count
    from rejected
    union all
    select
        'accepted' as checkpoint_name,
        null as reason,
        null as reason_code,
        system_id,
        event_month,
        item_count
    from accepted
    union all
    select
        'unique' as checkpoint_name,
        reason,
        null as reason_code,
        system_id,
        event_month,
        -item_count as item_count
    from aside
    where reason <> 'retracted'
    union all
    select
        'unique' as checkpoint_name,
        null as reason,
        null as reason_code,
        system_id,
        event_month,
        item_count
    from counted
    union all
    select
        'unique' as checkpoint_name,
        null as reason,
        null as reason_code,
        system_id,
        event_month,
        item_count
    from aside
    where reason = 'retracted'
    union all
    select
        'resolved' as checkpoint_name,
        reason,
        null as reason_code,
        system_id,
        event_month,
        -item_count as item_count
    from aside
    where reason = 'retracted'
    union all
    select
        'resolved' as checkpoint_name,
        'unresolved' as reason,
        reason_code,
        system_id,
        event_month,
        -item_count as item_count
    from counted
    where not is_resolved and reason_code is not null
    union all
    select
        'resolved' as checkpoint_name,
        null as reason,
        null as reason_code,
        system_id,
        event_month,
        item_count
    from counted
    where is_resolved
),

final as (
    select
        checkpoint_name,
        reason,
        reason_code,
        system_id,
        event_month,
        cast(sum(item_count) as bigint) as item_count
    from figures
    group by checkpoint_name, reason, reason_code, system_id, event_month
)

select * from final
