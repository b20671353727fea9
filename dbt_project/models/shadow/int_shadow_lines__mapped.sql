with lines as (
    select * from {{ ref('stg_shadow__invoice_lines') }}
),

customers as (
    select * from {{ ref('stg_reference__customers') }}
),

identities as (
    select * from {{ ref('stg_reference__identities') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

terms as (
    select * from {{ ref('stg_price_book__terms') }}
),

products as (
    select * from {{ ref('stg_price_book__products') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

customer_references as (
    select
        'customer_id' as customer_by,
        customer_id as customer_reference,
        customer_id
    from customers
    union all
    select
        'erp_customer_number' as customer_by,
        erp_customer_number as customer_reference,
        customer_id
    from customers
    where erp_customer_number is not null
),

known_customers as (
    select
        customer_by,
        customer_reference,
        min(customer_id) as customer_id,
        count(*) as customer_count
    from customer_references
    group by customer_by, customer_reference
),

-- An identity holds from an instant to an instant; what names no service counts on the
-- first day of the month.
dated as (
    select
        *,
        coalesce(
            service_start_date, cast(billing_period || '-01' as date)
        ) as identified_on
    from lines
),

of_identities as (
    select
        dated.billing_period,
        dated.line_number,
        min(identities.customer_id) as customer_id,
        count(distinct identities.customer_id) as customer_count
    from dated
    inner join identities
        on
            dated.customer_system = identities.system_id
            and dated.customer_reference = identities.external_id
            and dated.identified_on >= identities.valid_from_at
            and (
                identities.valid_to_at is null
                or dated.identified_on < identities.valid_to_at
            )
    where dated.customer_by = 'identity'
    group by dated.billing_period, dated.line_number
),

with_customers as (
    select
        dated.*,
        coalesce(known_customers.customer_id, of_identities.customer_id)
            as found_customer_id,
        coalesce(
            known_customers.customer_count, of_identities.customer_count, 0
        ) as customer_count
    from dated
    left join known_customers
        on
            dated.customer_by = known_customers.customer_by
            and dated.customer_reference = known_customers.customer_reference
    left join of_identities
        on
            dated.billing_period = of_identities.billing_period
            and dated.line_number = of_identities.line_number
),

sold as (
    select distinct
        charges.charge_id,
        charges.product_id,
        products.erp_item
    from charges
    left join products on charges.product_id = products.product_id
),

known_charges as (
    select charge_id from charges
    union
    select term_id as charge_id from terms
    union
    select {{ credit_lines_charge() }} as charge_id
),

-- An item or product stands for the charge that the customer has of it that month; for
-- the only one there is, where the customer has none.
charges_of_customers as (
    select
        billing_period,
        coalesce(bill_to_customer_id, customer_id) as customer_id,
        'erp_item' as charge_by,
        erp_item as charge_reference,
        charge_id
    from rated_lines
    union all
    select
        billing_period,
        coalesce(bill_to_customer_id, customer_id) as customer_id,
        'product' as charge_by,
        product_id as charge_reference,
        charge_id
    from rated_lines
),

found_of_customers as (
    select
        billing_period,
        customer_id,
        charge_by,
        charge_reference,
        min(charge_id) as charge_id,
        count(distinct charge_id) as charge_count
    from charges_of_customers
    where charge_reference is not null
    group by billing_period, customer_id, charge_by, charge_reference
),

charge_references as (
    select
        'charge_id' as charge_by,
        charge_id as charge_reference,
        charge_id
    from known_charges
    union all
    select
        'erp_item' as charge_by,
        erp_item as charge_reference,
        charge_id
    from sold
    union all
    select
        'product' as charge_by,
        product_id as charge_reference,
        charge_id
    from sold
),

found_charges as (
    select
        charge_by,
        charge_reference,
        min(charge_id) as charge_id,
        count(distinct charge_id) as charge_count
    from charge_references
    where charge_reference is not null
    group by charge_by, charge_reference
),

with_charges as (
    select
        with_customers.*,
        case
            when with_customers.customer_count = 1
                then with_customers.found_customer_id
        end as customer_id,
        coalesce(found_of_customers.charge_id, found_charges.charge_id)
            as found_charge_id,
        coalesce(found_of_customers.charge_count, found_charges.charge_count, 0)
            as charge_count
    from with_customers
    left join found_of_customers
        on
            with_customers.billing_period = found_of_customers.billing_period
            and with_customers.found_customer_id = found_of_customers.customer_id
            and with_customers.charge_by = found_of_customers.charge_by
            and with_customers.charge_reference = found_of_customers.charge_reference
    left join found_charges
        on
            with_customers.charge_by = found_charges.charge_by
            and with_customers.charge_reference = found_charges.charge_reference
),

final as (
    select
        billing_period,
        line_number,
        invoice_number,
        their_customer,
        customer_id,
        their_charge,
        case when charge_count = 1 then found_charge_id end as charge_id,
        case
            when customer_count = 0 then 'customer_unknown'
            when customer_count > 1 then 'customer_ambiguous'
            when charge_count = 0 then 'charge_unknown'
            when charge_count > 1 then 'charge_ambiguous'
        end as unmapped_reason,
        line_kind,
        line_kind not in ('tax', 'payment') as is_compared,
        line_kind not in ('usage', 'fee', 'discount') as is_term,
        dimension_key,
        service_start_date,
        service_end_date,
        currency_code,
        quantity,
        amount,
        multiplied_amount,
        is_rounded
    from with_charges
)

select * from final
