{#-
    Quantities of the meters that sum their events, per customer, billing period, product line,
    currency and meter: what the contracts' charges were given, and what is on rated lines. A
    quantity that two charges price is given twice.
-#}
{%- set scope = [
    'customer_id', 'billing_period', 'erp_item', 'currency_code', 'meter_id', 'unit'
] %}

with usage as (
    select * from {{ ref('int_usage__merged') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }} as meters
    where {{ is_sum_of_events('meters') }}
),

runs as (
    select * from {{ ref('int_charges__runs') }}
    where meter_id is not null
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
    where meter_id is not null
),

-- Both sides of a charge's cell lie in one product line, also where an amendment books
-- its days as two.
cell_items as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        min(erp_item) as erp_item
    from rated_lines
    group by contract_id, charge_id, cell_start_date
),

given as (
    select
        usage.contract_id,
        usage.customer_id,
        usage.meter_id,
        usage.charge_id,
        usage.run_start_at,
        usage.unpriced_month,
        meters.unit,
        usage.event_count,
        case
            when meters.aggregation = 'count' then usage.event_count
            when {{ is_within_limit('usage.quantity_sum') }} then usage.quantity_sum
            else 0
        end as quantity
    from usage
    inner join meters on usage.meter_id = meters.meter_id
),

priced as (
    select
        given.customer_id,
        runs.billing_period,
        coalesce(cell_items.erp_item, products.erp_item) as erp_item,
        runs.currency_code,
        given.meter_id,
        given.unit,
        given.event_count,
        given.quantity
    from given
    inner join runs
        on
            given.contract_id = runs.contract_id
            and given.charge_id = runs.charge_id
            and given.run_start_at = runs.run_start_at
    left join cell_items
        on
            runs.contract_id = cell_items.contract_id
            and runs.charge_id = cell_items.charge_id
            and runs.cell_start_date = cell_items.cell_start_date
    left join charges on runs.charge_price_id = charges.charge_price_id
    left join products on charges.product_id = products.product_id
),

unpriced as (
    select
        given.customer_id,
        {{ month_text('given.unpriced_month') }} as billing_period,
        cast(null as varchar) as erp_item,
        contracts.currency_code,
        given.meter_id,
        given.unit,
        given.event_count,
        given.quantity
    from given
    inner join contracts on given.contract_id = contracts.contract_id
    where given.charge_id is null
),

rated as (
    select
        rated_lines.customer_id,
        rated_lines.billing_period,
        cell_items.erp_item,
        rated_lines.currency_code,
        rated_lines.meter_id,
        meters.unit,
        rated_lines.event_count,
        rated_lines.quantity
    from rated_lines
    inner join meters on rated_lines.meter_id = meters.meter_id
    left join cell_items
        on
            rated_lines.contract_id = cell_items.contract_id
            and rated_lines.charge_id = cell_items.charge_id
            and rated_lines.cell_start_date = cell_items.cell_start_date
),

figures as (
    select
        'resolved' as checkpoint_name,
        cast(null as varchar) as reason,
        {{ scope | join(',\n        ') }},
        event_count as item_count,
        quantity
    from priced
    union all
    select
        'resolved' as checkpoint_name,
        null as reason,
        {{ scope | join(',\n        ') }},
        event_count as item_count,
        quantity
    from unpriced
    union all
    select
        'rated' as checkpoint_name,
        'unpriced_usage' as reason,
        {{ scope | join(',\n        ') }},
        -event_count as item_count,
        -quantity as quantity
    from unpriced
    union all
    select
        'rated' as checkpoint_name,
        null as reason,
        {{ scope | join(',\n        ') }},
        event_count as item_count,
        quantity
    from rated
),

final as (
    select
        checkpoint_name,
        reason,
        {{ scope | join(',\n        ') }},
        cast(sum(item_count) as bigint) as item_count,
        cast(sum(quantity) as decimal(38, 9)) as quantity
    from figures
    group by
        checkpoint_name,
        reason,
        {{ scope | join(',\n        ') }}
)

select * from final
