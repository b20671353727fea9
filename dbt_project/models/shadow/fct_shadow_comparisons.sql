with cells as (
    select * from {{ ref('int_shadow_cells__compared') }}
),

differences as (
    select * from {{ ref('fct_shadow_differences') }}
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

charge_sums as (
    select
        billing_period,
        is_mapped,
        customer,
        max(customer_id) as customer_id,
        charge,
        currency_code,
        sum(their_line_count) as their_line_count,
        sum(our_line_count) as our_line_count,
        sum(their_quantity) as their_quantity,
        sum(our_quantity) as our_quantity,
        sum(their_amount) as their_amount,
        sum(our_amount) as our_amount,
        min(exception_code) as exception_code
    from cells
    group by billing_period, is_mapped, customer, charge, currency_code
),

cause_sums as (
    select
        billing_period,
        is_mapped,
        customer,
        charge,
        currency_code,
        count(*) as cause_count,
        coalesce(
            sum(amount) filter (where cause = 'unexplained'), 0
        ) as unexplained_amount
    from differences
    group by billing_period, is_mapped, customer, charge, currency_code
),

final as (
    select
        charge_sums.billing_period,
        charge_sums.is_mapped,
        charge_sums.customer,
        charge_sums.customer_id,
        customers.customer_name,
        charge_sums.charge,
        charge_sums.currency_code,
        cast(charge_sums.their_line_count as bigint) as their_line_count,
        cast(charge_sums.our_line_count as bigint) as our_line_count,
        cast(charge_sums.their_quantity as decimal(38, 9)) as their_quantity,
        cast(charge_sums.our_quantity as decimal(38, 9)) as our_quantity,
        cast(charge_sums.their_amount as decimal(38, 4)) as their_amount,
        cast(charge_sums.our_amount as decimal(38, 4)) as our_amount,
        cast(charge_sums.their_amount - charge_sums.our_amount as decimal(38, 4))
            as difference_amount,
        cast(coalesce(cause_sums.unexplained_amount, 0) as decimal(38, 4))
            as unexplained_amount,
        charge_sums.exception_code,
        cause_sums.cause_count is null
        and charge_sums.exception_code is null
        and charge_sums.is_mapped as is_matched
    from charge_sums
    left join cause_sums
        on
            charge_sums.billing_period = cause_sums.billing_period
            and charge_sums.is_mapped = cause_sums.is_mapped
            and charge_sums.customer = cause_sums.customer
            and charge_sums.charge = cause_sums.charge
            and charge_sums.currency_code = cause_sums.currency_code
    left join customers on charge_sums.customer_id = customers.customer_id
)

select * from final
