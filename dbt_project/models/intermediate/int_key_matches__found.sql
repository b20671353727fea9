{{ config(
    post_hook="{{ open_range('int_key_matches__found', range_to_deduplicate()) }}",
) }}

{%- set range = range_to_deduplicate() %}
{%- set new_parts = raw_part_paths('keys', range.after_batch_id, range.last_batch_id) %}
{%- set has_decisions = are_decisions_made() %}
{%- set has_new_decisions = are_decisions_made(range.after_batch_id) %}
{#- Without a new key or decision the index of history is not even opened. #}
{%- set old_parts =
    raw_part_paths('keys', 0, range.after_batch_id)
    if new_parts or has_new_decisions else [] %}

with key_parts as (
    select
        ingestion_batch_id,
        {{ data_path('') }} || path as file_name
    from {{ source('operations', 'raw_parts') }}
    where part_kind = 'keys'
),

new_keys as (
    {{ keys_of_parts(new_parts) | indent(4) }}
),

old_keys as (
    {{ keys_of_parts(old_parts) | indent(4) }}
),

{%- if has_decisions %}

decided_keys as (
    select
        {{ key_prefix('key_hash') }} as key_prefix,
        max(ingestion_batch_id) as ingestion_batch_id
    from {{ ref('int_event_decisions__standing') }}
    group by {{ key_prefix('key_hash') }}
),
{%- endif %}

-- The new keys are the smaller side: they are hashed, and the index streams past.
old_matches as (
    select
        old_keys.key_prefix,
        old_keys.event_date,
        old_keys.file_name
    from old_keys
    semi join new_keys on old_keys.key_prefix = new_keys.key_prefix
    {%- if has_new_decisions %}
    union all
    select
        old_keys.key_prefix,
        old_keys.event_date,
        old_keys.file_name
    from old_keys
    semi join decided_keys
        on
            old_keys.key_prefix = decided_keys.key_prefix
            and decided_keys.ingestion_batch_id > {{ range.after_batch_id }}
    {%- endif %}
),

-- Files are sorted by key: sorting the keys once more costs less than hashing them.
neighbours as (
    select
        key_prefix,
        lag(key_prefix) over (order by key_prefix) as key_prefix_before
    from (
        {{ keys_of_parts(new_parts) | indent(8) }}
    ) as keys_alone
),

found as (
    select key_prefix
    from neighbours
    where key_prefix = key_prefix_before
    union
    select key_prefix
    from old_matches
    {%- if has_decisions %}
    union
    select key_prefix
    from decided_keys
    {%- endif %}
),

matches as (
    select
        key_prefix,
        event_date,
        file_name
    from old_matches
    union
    select
        new_keys.key_prefix,
        new_keys.event_date,
        new_keys.file_name
    from new_keys
    semi join found on new_keys.key_prefix = found.key_prefix
),

final as (
    select
        matches.key_prefix,
        key_parts.ingestion_batch_id,
        matches.event_date
    from matches
    left join key_parts on matches.file_name = key_parts.file_name
)

select * from final
