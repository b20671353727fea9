with customers as (
    select * from {{ ref('stg_reference__customers') }}
),

parents as (
    select * from {{ ref('int_customers__parents') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_counts as (
    select
        customer_id,
        count(*) as contract_count,
        min(start_date) as first_contract_date
    from contracts
    group by customer_id
),

final as (
    select
        customers.customer_id,
        customers.customer_name,
        parents.parent_customer_id,
        coalesce(customers.bill_to_customer_id, customers.customer_id)
            as bill_to_customer_id,
        customers.segment,
        customers.region,
        customers.erp_customer_number,
        customers.crm_account_id,
        coalesce(contract_counts.contract_count, 0) as contract_count,
        contract_counts.first_contract_date,
        customers.reference_version
    from customers
    left join contract_counts on customers.customer_id = contract_counts.customer_id
    -- The parent that stays, as far as is known.
    left join parents
        on
            customers.customer_id = parents.customer_id
            and parents.valid_to_at = {{ end_of_time() }}
)

select * from final
