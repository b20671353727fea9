with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

raw_parts as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
),

counted_events as (
    select * from {{ ref('int_events__counted') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
),

contents as (
    select * from {{ ref('int_event_contents__kept') }}
),

exceptions as (
    select * from {{ ref('fct_exceptions') }}
),

source_days as (
    select * from {{ ref('fct_source_days') }}
),

control_totals as (
    select * from {{ ref('fct_control_totals') }}
),

-- 1. The manifest of batches against the rows of the files that they wrote.
written_rows as (
    select
        ingestion_batch_id,
        coalesce(sum(row_count) filter (where part_kind = 'events'), 0)
            as accepted_rows,
        coalesce(sum(row_count) filter (where part_kind = 'rejects'), 0)
            as rejected_rows
    from raw_parts
    group by ingestion_batch_id
),

lines_read as (
    select
        'ingestion_batch' as scope_kind,
        cast(batches.ingestion_batch_id as varchar) as scope_id,
        batches.lines_read as left_figure,
        coalesce(written_rows.accepted_rows, 0)
        + coalesce(written_rows.rejected_rows, 0)
            as right_figure
    from batches
    left join
        written_rows
        on batches.ingestion_batch_id = written_rows.ingestion_batch_id
),

-- What was announced against what came. A day within its grace is no figure yet.
announced_days as (
    select
        'source_day' as scope_kind,
        cast(usage_date as varchar) || ' ' || source_prefix as scope_id,
        first_billing_period,
        1 as left_figure,
        case when arrival in ('arrived', 'quiet') then 1 else 0 end as right_figure
    from source_days
    where arrival <> 'pending'
),

-- What sources say that they sent against what came. A total within its grace, and one
-- that an approver lets stand, is no figure.
stated_totals as (
    select
        cast(usage_date as varchar) || ' ' || source_prefix || ' ' || measure
            as scope_id,
        unit,
        first_billing_period,
        announced_quantity,
        arrived_quantity
    from control_totals
    where agreement <> 'waits'
),

waived_totals as (
    select object_id
    from exceptions
    where object_kind = 'control_total' and state = 'waived'
),

compared_totals as (
    select
        'control_total' as scope_kind,
        stated_totals.scope_id,
        stated_totals.unit,
        stated_totals.first_billing_period,
        coalesce(stated_totals.announced_quantity, cast(0 as decimal(38, 9)))
            as left_figure,
        stated_totals.arrived_quantity as right_figure,
        case when stated_totals.announced_quantity is null then 1 else 0 end
            as broken_count
    from stated_totals
    anti join waived_totals on stated_totals.scope_id = waived_totals.object_id
),

-- 2. Raw rows against unique events and what was set aside.
accepted_by_date as (
    select
        event_date,
        sum(row_count) as accepted_rows
    from raw_parts
    where part_kind = 'events'
    group by event_date
),

unique_by_date as (
    select
        event_date,
        sum(event_count) as unique_events
    from counted_events
    group by event_date
),

aside_by_date as (
    select
        event_date,
        count(*) as aside_events
    from set_aside
    group by event_date
),

accepted_events as (
    select
        'event_date' as scope_kind,
        cast(
            coalesce(
                accepted_by_date.event_date,
                unique_by_date.event_date,
                aside_by_date.event_date
            ) as varchar
        ) as scope_id,
        coalesce(accepted_by_date.accepted_rows, 0) as left_figure,
        coalesce(unique_by_date.unique_events, 0)
        + coalesce(aside_by_date.aside_events, 0)
            as right_figure
    from accepted_by_date
    full outer join
        unique_by_date
        on accepted_by_date.event_date = unique_by_date.event_date
    full outer join aside_by_date
        on
            coalesce(accepted_by_date.event_date, unique_by_date.event_date)
            = aside_by_date.event_date
),

aside_by_standing as (
    select
        set_aside_reason as content_standing,
        count(*) as event_count
    from set_aside
    where set_aside_reason <> 'exact_repeat'
    group by set_aside_reason
),

contents_by_standing as (
    select
        content_standing,
        count(*) as event_count
    from contents
    where content_standing in ('conflicting', 'dropped', 'retracted')
    group by content_standing
),

listed_contents as (
    select
        'content_standing' as scope_kind,
        coalesce(
            aside_by_standing.content_standing, contents_by_standing.content_standing
        ) as scope_id,
        coalesce(aside_by_standing.event_count, 0) as left_figure,
        coalesce(contents_by_standing.event_count, 0) as right_figure
    from aside_by_standing
    full outer join
        contents_by_standing
        on aside_by_standing.content_standing = contents_by_standing.content_standing
),

-- 3. Unique events against the resolved ones, the exceptions of the others, and those
-- that were withdrawn.
unique_events as (
    select
        'event_count' as scope_kind,
        'unique events' as scope_id,
        coalesce(sum(event_count), 0)
        + (
            select count(*)
            from set_aside
            where set_aside.set_aside_reason = 'retracted'
        ) as left_figure,
        coalesce(sum(event_count) filter (where contract_id is not null), 0)
        + (
            select coalesce(sum(exceptions.event_count), 0)
            from exceptions
            where exceptions.object_kind = 'subject' and exceptions.exception_code in (
                'unmapped_source',
                'unmapped_subject',
                'ambiguous_identity',
                'no_contract'
            )
        )
        + (
            select count(*)
            from contents
            where contents.content_standing = 'retracted'
        ) as right_figure
    from counted_events
),

final as (
    {{ conserved_figures('int_events__conserved') }}
)

select * from final
