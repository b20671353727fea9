{#-
    The days that a source announces: which of them are listed, and which month each first bears on.

    Belongs here: CTEs that the models of announced days share. Does not belong here: whether a day
    arrived or agrees, which is the models'.
-#}

{#- CTEs from next_days to dated. The caller has two CTEs before:
        announced      one row per key with expected_from_date, expected_to_date, known_until_at and
                       future_from_date, the day after the last ingestion batch's
        settled_days   keys and usage_date of the days on which nothing is waited for any more
    Every key is listed up to a day that still waits, unless its announcement ends before: however
    long no batch comes, one day is there to become overdue by the clock. -#}
{% macro listed_days(keys) -%}
    {#- Of the days after the last batch's, the first that is not settled is that one, or it follows
        a settled one. -#}
    next_days as (
        select
            {{ keys | join(',\n            ') }},
            future_from_date as usage_date
        from announced
        union
        select
            {% for key in keys -%}
            announced.{{ key }},
            {% endfor -%}
            settled_days.usage_date + 1 as usage_date
        from announced
        inner join settled_days
            on
                {% for key in keys -%}
                announced.{{ key }} = settled_days.{{ key }} and
                {% endfor -%}
                announced.future_from_date <= settled_days.usage_date
    ),

    waiting as (
        select
            {% for key in keys -%}
            next_days.{{ key }},
            {% endfor -%}
            min(next_days.usage_date) as first_waiting_date
        from next_days
        left join settled_days
            on
                {% for key in keys -%}
                next_days.{{ key }} = settled_days.{{ key }} and
                {% endfor -%}
                next_days.usage_date = settled_days.usage_date
        where settled_days.usage_date is null
        group by
            {% for key in keys -%}
            next_days.{{ key }}{{ ',' if not loop.last }}
            {% endfor %}
    ),

    listed as (
        select
            announced.*,
            least(
                coalesce(announced.expected_to_date, date '9999-12-31'),
                waiting.first_waiting_date + 1
            ) as listed_to_date
        from announced
        inner join waiting
            on
                {% for key in keys -%}
                announced.{{ key }} = waiting.{{ key }}{{ ' and' if not loop.last }}
                {% endfor %}
    ),

    numbered as (
        select
            *,
            {{ each_of(integers_between(
                0, days_between('expected_from_date', 'listed_to_date') ~ ' - 1'
            )) }} as day_number
        from listed
    ),

    dated as (
        select
            *,
            expected_from_date + cast(day_number as integer) as usage_date
        from numbered
    )
{%- endmacro %}

{#- CTEs usage_dates, time_zones and first_periods: the first billing period that usage of a UTC day
    of a relation can belong to. A UTC day begins on the local day before in zones west of UTC: 1
    November in October. -#}
{% macro first_billing_periods(days) -%}
    usage_dates as (
        select distinct usage_date
        from {{ days }}
    ),

    time_zones as (
        select time_zone
        from {{ ref('stg_reference__contracts') }}
        union
        select 'UTC' as time_zone
    ),

    first_periods as (
        select
            usage_dates.usage_date,
            min({{ month_text(local_timestamp(
                'cast(usage_dates.usage_date as timestamp)', 'time_zones.time_zone'
            )) }}) as first_billing_period
        from usage_dates
        cross join time_zones
        group by usage_dates.usage_date
    )
{%- endmacro %}
