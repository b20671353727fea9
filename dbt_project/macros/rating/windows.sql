{#-
    Windows of a run: local hours, days and months, counted from 1 at the run's start.

    Belongs here: the number of the window that an instant lies in. Does not belong here: which
    stretches a run has (int_charges__windowed), or what a window's quantity is.

    An hour is what the zone's clock shows as one, at one offset from UTC: an hour that comes twice
    is two windows. A day is a local day, whatever its length. Within a stretch of one offset,
    windows have one length, so that they are counted by arithmetic.
-#}

{#- Microseconds by which a zone's clock is ahead of UTC at an instant. -#}
{% macro utc_offset(instant_at, time_zone) -%}
    {{ microseconds_between(instant_at, local_timestamp(instant_at, time_zone)) }}
{%- endmacro %}

{#- What a clock of the stretch's offset shows at an instant, as microseconds. -#}
{% macro local_microseconds(instant_at, stretch='') -%}
    (
        {{ microseconds_between("timestamp '1970-01-01 00:00:00'", instant_at) }}
        + {{ stretch }}utc_offset
    )
{%- endmacro %}

{#- How many windows of the stretch's length lie before the one of an instant; null where the whole
    stretch is one. -#}
{% macro local_window(instant_at, stretch='') -%}
    {{ floor_quotient(local_microseconds(instant_at, stretch), stretch ~ 'window_length') }}
{%- endmacro %}

{#- The number within its run of the window that an instant of a stretch lies in. -#}
{% macro window_number(instant_at, stretch='') -%}
    cast(
        {{ stretch }}first_window_number
        + coalesce(
            {{ local_window(instant_at, stretch) }} - {{ stretch }}first_local_window, 0
        ) as integer
    )
{%- endmacro %}

{#- The instant at which that window starts; null where it started in the stretch before. -#}
{% macro window_start_at(instant_at, stretch='') -%}
    case
        when
            {{ window_number(instant_at, stretch) }} > {{ stretch }}first_window_number
            then {{ microseconds_after(
                instant_at,
                '-' ~ floor_remainder(
                    local_microseconds(instant_at, stretch), stretch ~ 'window_length'
                )
            ) }}
        when not {{ stretch }}is_continued then {{ stretch }}stretch_start_at
    end
{%- endmacro %}

{#- The CTEs that give rows of metered usage (contract_id, meter_id, usage_month, an instant) their
    runs, once per charge that reads the meter, and their windows. The last one is called placed. -#}
{% macro placed_in_windows(usage, instant) -%}
    run_months as (
        select * from {{ ref('int_charge_months__listed') }}
    ),

    windows as (
        select * from {{ ref('int_charges__windowed') }}
    ),

    placed as (
        select
            {{ usage }}.*,
            windows.charge_id,
            windows.run_start_at,
            windows.run_window_count,
            {{ window_number(usage ~ '.' ~ instant, 'windows.') | indent(12) }}
                as window_number,
            {{ window_start_at(usage ~ '.' ~ instant, 'windows.') | indent(12) }}
                as window_start_at
        from {{ usage }}
        inner join run_months
            on
                {{ usage }}.contract_id = run_months.contract_id
                and {{ usage }}.meter_id = run_months.meter_id
                and {{ usage }}.usage_month = run_months.usage_month
                and {{ usage }}.{{ instant }} >= run_months.run_start_at
                and {{ usage }}.{{ instant }} < run_months.run_end_at
        inner join windows
            on
                run_months.contract_id = windows.contract_id
                and run_months.charge_id = windows.charge_id
                and run_months.run_start_at = windows.run_start_at
                and {{ usage }}.{{ instant }} >= windows.stretch_start_at
                and {{ usage }}.{{ instant }} < windows.stretch_end_at
    )
{%- endmacro %}
