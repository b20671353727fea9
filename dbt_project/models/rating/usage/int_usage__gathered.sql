{%- set latest_order = [
    'latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id'
] -%}

with counted as (
    select * from {{ ref('int_usage__counted') }}
    where counted_kind = 'meter'
),

stretches as (
    select * from {{ ref('int_subjects__stretched') }}
),

-- All of a stretch is resolved and priced alike: its first slice stands for it.
gathered as (
    select
        stretches.stretch_number,
        counted.counted_id,
        counted.dimension_key,
        min(counted.slice_start_at) as slice_start_at,
        min(counted.event_date) as event_date,
        cast(sum(counted.event_count) as bigint) as event_count,
        cast(sum(counted.unvalued_event_count) as bigint) as unvalued_event_count,
        cast(sum(counted.negative_event_count) as bigint) as negative_event_count,
        {{ limited_sum('counted.quantity_sum') }} as quantity_sum,
        {{ any_beyond_limit('counted.quantity_sum') }} as is_beyond_limit,
        max(counted.quantity_max) as quantity_max,
        min(counted.quantity_min) as quantity_min,
        {{ latest_state('latest_quantity', latest_order) }} as latest,
        cast(sum(counted.digest_sum_1) as decimal(38, 0)) as digest_sum_1,
        cast(sum(counted.digest_sum_2) as decimal(38, 0)) as digest_sum_2,
        min(counted.first_event_at) as first_event_at,
        max(counted.last_event_at) as last_event_at
    from counted
    inner join stretches
        on
            counted.system_id = stretches.system_id
            and counted.subject = stretches.subject
            and {{ month_number('counted.event_date') }} = stretches.usage_month
            and counted.slice_start_at >= stretches.stretch_start_at
            and counted.slice_start_at < stretches.stretch_end_at
    group by
        stretches.stretch_number,
        counted.counted_id,
        counted.dimension_key
),

stretched_subjects as (
    select distinct
        stretch_number,
        system_id,
        subject
    from stretches
),

slices as (
    select
        gathered.*,
        stretched_subjects.system_id,
        stretched_subjects.subject
    from gathered
    inner join stretched_subjects
        on gathered.stretch_number = stretched_subjects.stretch_number
),

{{ resolved_slices('slices', 'slices.counted_id') }},

final as (
    select
        contract_id,
        customer_id,
        counted_id as meter_id,
        dimension_key,
        slice_start_at,
        local_date,
        event_count,
        unvalued_event_count,
        negative_event_count,
        quantity_sum,
        is_beyond_limit,
        quantity_max,
        quantity_min,
        latest.latest_quantity,
        {% for column in latest_order -%}
        latest.{{ column }},
        {% endfor -%}
        digest_sum_1,
        digest_sum_2,
        first_event_at,
        last_event_at
    from resolved
    where contract_id is not null
)

select * from final
