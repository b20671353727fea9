with lines as (
    select * from {{ ref('int_shadow_lines__mapped') }}
    where is_compared
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

candidate_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
    where credit_grant_id is not null
),

entries as (
    select * from {{ ref('stg_register__entries') }}
    where entry_kind in ('credit_draw', 'credit_restore')
),

grants as (
    select * from {{ ref('stg_reference__credit_grants') }}
    where credit_kind = 'promotional'
),

periods as (
    select distinct billing_period
    from lines
),

-- Credits before the tax base lower what is invoiced; purchased ones pay for it.
credits as (
    select
        billing_period,
        bill_to_customer_id,
        currency_code,
        credit_grant_id,
        amount
    from candidate_lines
    union all
    select
        billing_period,
        bill_to_customer_id,
        currency_code,
        credit_grant_id,
        amount
    from entries
),

by_dimension as (
    select distinct
        billing_period,
        customer_id,
        currency_code,
        charge_id,
        true as is_by_dimension
    from lines
    where unmapped_reason is null and not is_term and dimension_key is not null
),

our_lines as (
    select
        rated_lines.billing_period,
        coalesce(rated_lines.bill_to_customer_id, rated_lines.customer_id)
            as customer_id,
        rated_lines.currency_code,
        rated_lines.charge_id,
        rated_lines.line_kind not in ('usage', 'fee') as is_term,
        rated_lines.dimension_key,
        rated_lines.cell_start_date,
        rated_lines.cell_end_date,
        rated_lines.segment_start_date,
        rated_lines.segment_end_date,
        rated_lines.line_kind,
        rated_lines.charge_model,
        rated_lines.rated_line_id,
        rated_lines.quantity,
        rated_lines.amount,
        rated_lines.amount_unrounded <> rated_lines.amount as is_rounded,
        rated_lines.exception_code
    from rated_lines
    semi join periods on rated_lines.billing_period = periods.billing_period
    union all
    select
        credits.billing_period,
        credits.bill_to_customer_id as customer_id,
        credits.currency_code,
        {{ credit_lines_charge() }} as charge_id,
        true as is_term,
        cast(null as varchar) as dimension_key,
        cast(null as date) as cell_start_date,
        cast(null as date) as cell_end_date,
        cast(null as date) as segment_start_date,
        cast(null as date) as segment_end_date,
        'credit' as line_kind,
        cast(null as varchar) as charge_model,
        cast(null as varchar) as rated_line_id,
        cast(null as decimal(38, 9)) as quantity,
        credits.amount,
        false as is_rounded,
        cast(null as varchar) as exception_code
    from credits
    semi join periods on credits.billing_period = periods.billing_period
    semi join grants on credits.credit_grant_id = grants.credit_grant_id
),

our_parts as (
    select
        our_lines.*,
        case
            when by_dimension.is_by_dimension and not our_lines.is_term
                then our_lines.dimension_key
            else ''
        end as part
    from our_lines
    left join by_dimension
        on
            our_lines.billing_period = by_dimension.billing_period
            and our_lines.customer_id = by_dimension.customer_id
            and our_lines.currency_code = by_dimension.currency_code
            and our_lines.charge_id = by_dimension.charge_id
),

our_cells as (
    select distinct
        billing_period,
        customer_id,
        currency_code,
        charge_id,
        part,
        cell_start_date,
        cell_end_date
    from our_parts
    where not is_term
),

-- A line of theirs belongs to the cell of ours that its service lies in.
placings as (
    select
        lines.billing_period,
        lines.line_number,
        our_cells.cell_start_date,
        our_cells.cell_end_date,
        row_number() over (
            partition by lines.billing_period, lines.line_number
            order by
                our_cells.cell_start_date = lines.service_start_date desc,
                our_cells.cell_end_date = lines.service_end_date desc,
                our_cells.cell_start_date asc,
                our_cells.cell_end_date asc
        ) as place_number
    from lines
    inner join our_cells
        on
            lines.billing_period = our_cells.billing_period
            and lines.customer_id = our_cells.customer_id
            and lines.currency_code = our_cells.currency_code
            and lines.charge_id = our_cells.charge_id
            and coalesce(lines.dimension_key, '') = our_cells.part
            and lines.service_start_date >= our_cells.cell_start_date
            and lines.service_end_date <= our_cells.cell_end_date
    where lines.unmapped_reason is null and not lines.is_term
),

places as (
    select * from placings
    where place_number = 1
),

both_sides as (
    select
        lines.billing_period,
        lines.unmapped_reason,
        lines.customer_id,
        coalesce(lines.customer_id, lines.their_customer) as customer,
        case
            when lines.unmapped_reason is null then lines.charge_id
            else lines.their_charge
        end as charge,
        lines.currency_code,
        lines.is_term and lines.unmapped_reason is null as is_term,
        case
            when lines.is_term or lines.unmapped_reason is not null then ''
            else coalesce(lines.dimension_key, '')
        end as part,
        places.cell_start_date,
        places.cell_end_date,
        1 as their_line_count,
        0 as our_line_count,
        lines.amount as their_amount,
        lines.multiplied_amount,
        cast(0 as decimal(38, 4)) as our_amount,
        case when lines.line_kind <> 'discount' then lines.quantity end
            as their_quantity,
        cast(null as decimal(38, 9)) as our_quantity,
        lines.quantity is null and lines.line_kind <> 'discount'
            as is_without_quantity,
        lines.is_rounded as is_rounded_there,
        false as is_rounded_here,
        lines.service_start_date as their_start_date,
        lines.service_end_date as their_end_date,
        cast(null as date) as our_start_date,
        cast(null as date) as our_end_date,
        cast(null as varchar) as exception_code,
        cast(null as varchar) as our_line_kind,
        cast(null as varchar) as rated_line_id
    from lines
    left join places
        on
            lines.billing_period = places.billing_period
            and lines.line_number = places.line_number
    union all
    select
        billing_period,
        cast(null as varchar) as unmapped_reason,
        customer_id,
        customer_id as customer,
        charge_id as charge,
        currency_code,
        is_term,
        part,
        case when not is_term then cell_start_date end as cell_start_date,
        case when not is_term then cell_end_date end as cell_end_date,
        0 as their_line_count,
        1 as our_line_count,
        cast(0 as decimal(38, 4)) as their_amount,
        cast(0 as decimal(38, 4)) as multiplied_amount,
        coalesce(amount, 0) as our_amount,
        cast(null as decimal(38, 9)) as their_quantity,
        case when line_kind = 'usage' then quantity end as our_quantity,
        false as is_without_quantity,
        false as is_rounded_there,
        coalesce(is_rounded, false) as is_rounded_here,
        cast(null as date) as their_start_date,
        cast(null as date) as their_end_date,
        segment_start_date as our_start_date,
        segment_end_date as our_end_date,
        exception_code,
        line_kind as our_line_kind,
        case
            when line_kind = 'usage' and charge_model <> 'percentage'
                then rated_line_id
        end as rated_line_id
    from our_parts
),

cells as (
    select
        billing_period,
        unmapped_reason,
        customer_id,
        customer,
        charge,
        currency_code,
        is_term,
        part,
        cell_start_date,
        cell_end_date,
        sum(their_line_count) as their_line_count,
        sum(our_line_count) as our_line_count,
        sum(their_amount) as their_amount,
        sum(multiplied_amount) as multiplied_amount,
        sum(our_amount) as our_amount,
        sum(their_quantity) as their_quantity,
        sum(our_quantity) as our_quantity,
        bool_or(is_without_quantity) as is_without_quantity,
        count(*) filter (where is_rounded_there) as their_rounded_count,
        count(*) filter (where is_rounded_here) as our_rounded_count,
        min(their_start_date) as their_start_date,
        max(their_end_date) as their_end_date,
        min(our_start_date) as our_start_date,
        max(our_end_date) as our_end_date,
        min(exception_code) as exception_code,
        coalesce(bool_or(our_line_kind = 'usage'), false) as is_usage,
        min(rated_line_id) as rated_line_id
    from both_sides
    group by
        billing_period,
        unmapped_reason,
        customer_id,
        customer,
        charge,
        currency_code,
        is_term,
        part,
        cell_start_date,
        cell_end_date
),

compared as (
    select
        *,
        sum(their_line_count) over of_customer as their_lines_of_customer,
        sum(our_line_count) over of_customer as our_lines_of_customer,
        sum(their_line_count) over of_charge as their_lines_of_charge,
        sum(our_line_count) over of_charge as our_lines_of_charge,
        (their_start_date = our_start_date and their_end_date = our_end_date)
        or (their_start_date = cell_start_date and their_end_date = cell_end_date)
            as is_same_service
    from cells
    window
        of_customer as (partition by billing_period, customer_id, currency_code),
        of_charge as (
            partition by
                billing_period,
                unmapped_reason,
                customer_id,
                charge,
                currency_code,
                is_term,
                part
        )
),

final as (
    select
        billing_period,
        unmapped_reason is null as is_mapped,
        unmapped_reason,
        customer_id,
        customer,
        charge,
        currency_code,
        is_term,
        part as dimension_key,
        cell_start_date,
        cell_end_date,
        case
            when unmapped_reason is not null then 'not_mapped'
            when our_lines_of_customer = 0 then 'customer_only_there'
            when their_lines_of_customer = 0 then 'customer_only_here'
            when is_term and exception_code is not null then 'exception'
            when is_term then 'term_lines'
            when our_lines_of_charge = 0 then 'charge_only_there'
            when their_lines_of_charge = 0 then 'charge_only_here'
            when exception_code is not null then 'exception'
            when coalesce(is_same_service, false) then 'both_sides'
            else 'service_period'
        end as standing,
        cast(their_line_count as bigint) as their_line_count,
        cast(our_line_count as bigint) as our_line_count,
        cast(their_amount as decimal(38, 4)) as their_amount,
        cast(multiplied_amount as decimal(38, 4)) as multiplied_amount,
        cast(our_amount as decimal(38, 4)) as our_amount,
        cast(their_quantity as decimal(38, 9)) as their_quantity,
        cast(our_quantity as decimal(38, 9)) as our_quantity,
        is_usage and is_without_quantity as is_without_quantity,
        coalesce(
            is_usage and not is_without_quantity and their_quantity <> our_quantity,
            false
        ) as has_other_quantity,
        cast(their_rounded_count as bigint) as their_rounded_count,
        cast(our_rounded_count as bigint) as our_rounded_count,
        exception_code,
        case when our_line_count = 1 then rated_line_id end as rated_line_id
    from compared
)

select * from final
