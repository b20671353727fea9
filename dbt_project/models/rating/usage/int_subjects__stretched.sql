with segments as (
    select * from {{ ref('int_subjects__segmented') }}
    where contract_id is not null
),

zone_days as (
    select * from {{ ref('int_time_zone_days__listed') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
    where meter_id is not null
),

zone_months as (
    select
        time_zone,
        date_trunc('month', local_date) as month_date,
        min(part_start_at) as month_start_at,
        max(part_end_at) as month_end_at
    from zone_days
    group by
        time_zone,
        date_trunc('month', local_date)
),

spans as (
    select
        segments.system_id,
        segments.subject,
        segments.contract_id,
        greatest(segments.segment_start_at, zone_months.month_start_at)
            as span_start_at,
        least(segments.segment_end_at, zone_months.month_end_at) as span_end_at
    from segments
    inner join zone_months
        on
            segments.time_zone = zone_months.time_zone
            and segments.segment_start_at < zone_months.month_end_at
            and segments.segment_end_at > zone_months.month_start_at
),

run_bounds as (
    select
        contract_id,
        run_start_at as bound_at
    from runs
    union
    select
        contract_id,
        run_end_at as bound_at
    from runs
),

cuts as (
    select
        system_id,
        subject,
        span_start_at as cut_at
    from spans
    union
    select
        system_id,
        subject,
        span_end_at as cut_at
    from spans
    union
    select
        spans.system_id,
        spans.subject,
        run_bounds.bound_at as cut_at
    from spans
    inner join run_bounds
        on
            spans.contract_id = run_bounds.contract_id
            and spans.span_start_at < run_bounds.bound_at
            and spans.span_end_at > run_bounds.bound_at
),

stretches as (
    select
        system_id,
        subject,
        cut_at as stretch_start_at,
        lead(cut_at) over (
            partition by system_id, subject
            order by cut_at
        ) as stretch_end_at
    from cuts
),

-- Usage finds its stretch by the month of its UTC date.
final as (
    select
        system_id,
        subject,
        stretch_start_at,
        stretch_end_at,
        cast(
            {{ each_of(integers_between(
                month_number('stretch_start_at'), month_number('stretch_end_at')
            )) }} as integer
        ) as usage_month
    from stretches
    where stretch_end_at is not null
)

select * from final
