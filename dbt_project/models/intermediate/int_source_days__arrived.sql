{%- set parts = raw_part_paths('affected') %}

with touched as (
    {{ subject_days_of_parts(parts) | indent(4) }}
),

final as (
    select
        event_source,
        event_date,
        cast(sum(event_count) as bigint) as event_count
    from touched
    group by event_source, event_date
)

select * from final
