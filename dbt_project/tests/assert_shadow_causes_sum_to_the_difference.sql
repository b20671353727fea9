-- Catches money that the comparison with another system's invoices loses or invents.
with comparisons as (
    select * from {{ ref('fct_shadow_comparisons') }}
),

differences as (
    select * from {{ ref('fct_shadow_differences') }}
),

cause_sums as (
    select
        billing_period,
        is_mapped,
        customer,
        charge,
        currency_code,
        sum(amount) as amount
    from differences
    group by billing_period, is_mapped, customer, charge, currency_code
)

select
    comparisons.billing_period,
    comparisons.customer,
    comparisons.charge,
    comparisons.currency_code,
    comparisons.difference_amount,
    cause_sums.amount
from comparisons
full outer join cause_sums
    on
        comparisons.billing_period = cause_sums.billing_period
        and comparisons.is_mapped = cause_sums.is_mapped
        and comparisons.customer = cause_sums.customer
        and comparisons.charge = cause_sums.charge
        and comparisons.currency_code = cause_sums.currency_code
where comparisons.difference_amount is distinct from coalesce(cause_sums.amount, 0)
