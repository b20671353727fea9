{%- set anchor_of_start = add_months(
    'contracts.start_date', 0, 'contracts.billing_anchor_day'
) %}
{%- set first_day = add_months('start_date', 'first_month', 'billing_anchor_day') %}
{%- set next_month = 'first_month + (cell_number + 1) * cadence_months' %}
{%- set this_month = 'first_month + cell_number * cadence_months' %}
{%- set last_cell_number = 'greatest('
    ~ months_between(first_day, 'known_until_date') ~ ', 0)' %}

with contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

raw_parts as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
),

known_dates as (
    select cast(started_at as date) as known_date
    from batches
    union all
    select event_date as known_date
    from raw_parts
),

-- What is known: up to the day after the last load and the last event.
known_until as (
    select max(known_date) + 1 as known_until_date
    from known_dates
),

-- The first cell starts on the last anchor day that is not after the contract's start.
anchored as (
    select
        contracts.*,
        known_until.known_until_date,
        case contracts.billing_cadence
            when 'monthly' then 1
            when 'quarterly' then 3
            when 'semi_annual' then 6
            when 'annual' then 12
        end as cadence_months,
        case
            when {{ anchor_of_start }} <= contracts.start_date then 0
            else -1
        end as first_month
    from contracts
    cross join known_until
),

numbered as (
    select
        *,
        {{ each_of(integers_between(0, last_cell_number)) }} as cell_number
    from anchored
),

dated as (
    select
        contract_id,
        contract_lineage_id,
        cell_number,
        time_zone,
        end_date,
        known_until_date,
        {{ add_months('start_date', this_month, 'billing_anchor_day')
            | indent(8) }} as cell_start_date,
        {{ add_months('start_date', next_month, 'billing_anchor_day')
            | indent(8) }} as cell_end_date
    from numbered
),

final as (
    select
        contract_id,
        contract_lineage_id,
        cast(cell_number as integer) as cell_number,
        cell_start_date,
        cell_end_date,
        {{ local_day_start_at('cell_start_date', 'time_zone')
            | indent(8) }} as cell_start_at,
        {{ local_day_start_at('cell_end_date', 'time_zone')
            | indent(8) }} as cell_end_at
    from dated
    where
        cell_start_date <= known_until_date
        and (end_date is null or cell_start_date < end_date)
)

select * from final
