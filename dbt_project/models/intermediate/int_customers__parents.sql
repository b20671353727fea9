with customers as (
    select * from {{ ref('stg_reference__customers') }}
),

customer_parents as (
    select * from {{ ref('stg_reference__customer_parents') }}
),

-- A parent that the customer itself names is its parent at all times.
final as (
    select
        customer_id,
        parent_customer_id,
        {{ start_of_time() }} as valid_from_at,
        {{ end_of_time() }} as valid_to_at
    from customers
    where parent_customer_id is not null
    union all
    select
        customer_id,
        parent_customer_id,
        valid_from_at,
        coalesce(valid_to_at, {{ end_of_time() }}) as valid_to_at
    from customer_parents
)

select * from final
