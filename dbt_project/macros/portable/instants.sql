{#-
    Local days and UTC instants. Belongs here: every conversion between a time zone's wall clock
    and UTC. Does not belong here: which zone a contract has.

    Instants are naive timestamps in UTC. A local day starts at the first instant at which the
    zone's clock shows 00:00 of that date or later: also where midnight is skipped, comes twice, or
    the whole date is missing (such a day is empty).
-#}

{% macro local_timestamp(instant_at, time_zone) -%}
    {#- What the zone's clock shows at a UTC instant, as a naive timestamp. -#}
    {{ return(adapter.dispatch('local_timestamp', 'tallyhouse')(instant_at, time_zone)) }}
{%- endmacro %}

{% macro duckdb__local_timestamp(instant_at, time_zone) -%}
    timezone({{ time_zone }}, timezone('UTC', {{ instant_at }}))
{%- endmacro %}


{% macro local_day_start_at(local_date, time_zone) -%}
    {#- The UTC instant at which a local date starts. -#}
    {{ return(adapter.dispatch('local_day_start_at', 'tallyhouse')(local_date, time_zone)) }}
{%- endmacro %}

{% macro duckdb__local_day_start_at(local_date, time_zone) -%}
    {%- set midnight = 'cast(' ~ local_date ~ ' as timestamp)' -%}
    {%- set found = "timezone('UTC', timezone(" ~ time_zone ~ ', ' ~ midnight ~ '))' -%}
    {%- set hour_before = '(' ~ found ~ " - interval '1 hour')" -%}
    case
        when {{ tallyhouse.local_timestamp(hour_before, time_zone) }} >= {{ midnight }}
            then {{ hour_before }}
        else {{ found }}
    end
{%- endmacro %}


{% macro local_date(instant_at, time_zone) -%}
    {#- The local date on which a UTC instant lies. -#}
    cast({{ tallyhouse.local_timestamp(instant_at, time_zone) }} as date)
{%- endmacro %}

{% macro last_local_date(end_at, time_zone) -%}
    {#- The local date of the last moment before a UTC instant, an exclusive end. -#}
    {{ tallyhouse.local_date('(' ~ end_at ~ " - interval '1 microsecond')", time_zone) }}
{%- endmacro %}

{% macro seconds_between(start_at, end_at) -%}
    {#- Whole seconds from one instant to another, as a bigint; both lie on whole seconds. -#}
    {{ return(adapter.dispatch('seconds_between', 'tallyhouse')(start_at, end_at)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(start_at, end_at) -%}
    date_diff('second', {{ start_at }}, {{ end_at }})
{%- endmacro %}


{% macro add_months(from_date, months, anchor_day) -%}
    {#- The anchor day of the month that lies `months` after from_date's month; an anchor day that
        the month does not have falls on its last day. -#}
    {{ return(adapter.dispatch('add_months', 'tallyhouse')(from_date, months, anchor_day)) }}
{%- endmacro %}

{% macro duckdb__add_months(from_date, months, anchor_day) -%}
    {%- set first_of_month -%}
        cast(date_trunc('month', {{ from_date }}) + to_months(cast({{ months }} as integer)) as date)
    {%- endset -%}
    least({{ first_of_month }} + cast({{ anchor_day }} as integer) - 1, last_day({{ first_of_month }}))
{%- endmacro %}

{% macro days_between(from_date, to_date) -%}
    {#- Whole days from one date to another, as an integer. -#}
    {{ return(adapter.dispatch('days_between', 'tallyhouse')(from_date, to_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(from_date, to_date) -%}
    cast({{ to_date }} - {{ from_date }} as integer)
{%- endmacro %}

{% macro hours_after(instant_at, hours) -%}
    {#- The instant that lies whole hours after another. -#}
    {{ return(adapter.dispatch('hours_after', 'tallyhouse')(instant_at, hours)) }}
{%- endmacro %}

{% macro duckdb__hours_after(instant_at, hours) -%}
    {{ instant_at }} + to_hours(cast({{ hours }} as integer))
{%- endmacro %}

{% macro quarter_hour_of(instant_at) -%}
    {#- The quarter hour of UTC that an instant lies in, by its start. -#}
    {{ return(adapter.dispatch('quarter_hour_of', 'tallyhouse')(instant_at)) }}
{%- endmacro %}

{% macro duckdb__quarter_hour_of(instant_at) -%}
    time_bucket(interval '15 minutes', {{ instant_at }})
{%- endmacro %}

{% macro microseconds_between(from_at, to_at) -%}
    {#- Microseconds from one instant to another, as a bigint; negative where it lies before. -#}
    {{ return(adapter.dispatch('microseconds_between', 'tallyhouse')(from_at, to_at)) }}
{%- endmacro %}

{% macro duckdb__microseconds_between(from_at, to_at) -%}
    (epoch_us({{ to_at }}) - epoch_us({{ from_at }}))
{%- endmacro %}

{% macro microseconds_after(instant_at, microseconds) -%}
    {#- The instant that lies microseconds after another, or before it where they are negative. -#}
    {{ return(adapter.dispatch('microseconds_after', 'tallyhouse')(instant_at, microseconds)) }}
{%- endmacro %}

{% macro duckdb__microseconds_after(instant_at, microseconds) -%}
    make_timestamp(epoch_us({{ instant_at }}) + {{ microseconds }})
{%- endmacro %}

{% macro month_text(day_date) -%}
    {#- The month of a date as 'YYYY-MM'. -#}
    substr(cast({{ day_date }} as varchar), 1, 7)
{%- endmacro %}

{% macro months_between(from_date, to_date) -%}
    {#- How many months the month of one date lies after the month of another, as an integer. -#}
    (
        (extract(year from {{ to_date }}) - extract(year from {{ from_date }})) * 12
        + extract(month from {{ to_date }}) - extract(month from {{ from_date }})
    )
{%- endmacro %}


{% macro last_day_of_month(month) -%}
    {#- The last day of a month written YYYY-MM. -#}
    {{ return(adapter.dispatch('last_day_of_month', 'tallyhouse')(month)) }}
{%- endmacro %}

{% macro duckdb__last_day_of_month(month) -%}
    last_day(cast({{ month }} || '-01' as date))
{%- endmacro %}
