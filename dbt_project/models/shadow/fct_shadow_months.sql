with comparisons as (
    select * from {{ ref('fct_shadow_comparisons') }}
),

lines as (
    select * from {{ ref('int_shadow_lines__mapped') }}
    where not is_compared
),

of_customers as (
    select
        billing_period,
        currency_code,
        customer,
        bool_and(is_matched) as is_matched,
        sum(their_amount) as their_amount,
        sum(our_amount) as our_amount,
        sum(abs(difference_amount - unexplained_amount)) as absolute_explained_amount,
        sum(abs(unexplained_amount)) as absolute_unexplained_amount
    from comparisons
    group by billing_period, currency_code, customer
),

left_out as (
    select
        billing_period,
        currency_code,
        sum(amount) as amount
    from lines
    group by billing_period, currency_code
),

compared as (
    select
        billing_period,
        currency_code,
        count(*) as customer_count,
        count(*) filter (where is_matched) as matched_customer_count,
        sum(their_amount) as their_amount,
        sum(our_amount) as our_amount,
        sum(absolute_explained_amount) as absolute_explained_amount,
        sum(absolute_unexplained_amount) as absolute_unexplained_amount
    from of_customers
    group by billing_period, currency_code
),

final as (
    select
        coalesce(compared.billing_period, left_out.billing_period) as billing_period,
        coalesce(compared.currency_code, left_out.currency_code) as currency_code,
        cast(coalesce(compared.customer_count, 0) as bigint) as customer_count,
        cast(coalesce(compared.matched_customer_count, 0) as bigint)
            as matched_customer_count,
        {% for column in [
            'their_amount',
            'our_amount',
            'absolute_explained_amount',
            'absolute_unexplained_amount',
        ] -%}
        cast(coalesce(compared.{{ column }}, 0) as decimal(38, 4)) as {{ column }},
        {% endfor -%}
        cast(
            coalesce(compared.their_amount, 0) - coalesce(compared.our_amount, 0)
            as decimal(38, 4)
        ) as difference_amount,
        cast(coalesce(left_out.amount, 0) as decimal(38, 4)) as left_out_amount
    from compared
    full outer join left_out
        on
            compared.billing_period = left_out.billing_period
            and compared.currency_code = left_out.currency_code
)

select * from final
