with cells as (
    select * from {{ ref('int_shadow_cells__compared') }}
),

repriced as (
    select * from {{ ref('stg_shadow__repriced_cells') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

-- What their quantities change our amount by; null where they are others and were not
-- priced.
changed as (
    select
        cells.*,
        cells.their_amount - cells.our_amount as difference_amount,
        case
            when cells.standing not in ('both_sides', 'term_lines') then 0
            when repriced.charge_id is not null then repriced.change_amount
            when not cells.has_other_quantity then 0
        end as change_amount,
        currencies.minor_unit
    from cells
    left join repriced
        on
            cells.is_mapped
            and cells.billing_period = repriced.billing_period
            and cells.customer_id = repriced.customer_id
            and cells.currency_code = repriced.currency_code
            and cells.charge = repriced.charge_id
            and cells.is_term = repriced.is_term
            and cells.dimension_key = repriced.dimension_key
            and cells.cell_start_date is not distinct from repriced.cell_start_date
            and cells.cell_end_date is not distinct from repriced.cell_end_date
    left join currencies on cells.currency_code = currencies.currency_code
),

remaining as (
    select
        *,
        difference_amount - change_amount as rest_amount,
        their_rounded_count
        + case when has_other_quantity then our_line_count else our_rounded_count end
            as rounded_count
    from changed
),

judged as (
    select
        *,
        case
            when standing not in ('both_sides', 'term_lines') then standing
            when change_amount is null then 'quantity_not_priced'
            when standing = 'term_lines' then 'term_lines'
            when
                {{ multiply(
                    'abs(rest_amount) + abs(rest_amount)',
                    power_of_ten('minor_unit'), 4
                ) }}
                <= rounded_count then 'rounding'
            when is_without_quantity then 'unexplained'
            else 'price'
        end as rest_cause
    from remaining
),

-- A rest that is a price has what their own quantity and price come to in it; what they
-- do not come to is theirs to explain.
parts as (
    select
        *,
        'quantity' as cause,
        change_amount as part_amount
    from judged
    where change_amount is not null
    union all
    select
        *,
        rest_cause as cause,
        case
            when rest_cause = 'price'
                then multiplied_amount - our_amount - change_amount
            when rest_cause = 'quantity_not_priced' then difference_amount
            else rest_amount
        end as part_amount
    from judged
    union all
    select
        *,
        'unexplained' as cause,
        their_amount - multiplied_amount as part_amount
    from judged
    where rest_cause = 'price'
),

final as (
    select
        billing_period,
        is_mapped,
        customer,
        max(customer_id) as customer_id,
        charge,
        currency_code,
        cast({{ shadow_cause_number('cause') }} as integer) as cause_number,
        cause,
        coalesce(
            case cause
                when 'exception' then exception_code
                when 'not_mapped' then unmapped_reason
            end,
            ''
        ) as cause_detail,
        cast(sum(part_amount) as decimal(38, 4)) as amount
    from parts
    group by
        billing_period,
        is_mapped,
        customer,
        charge,
        currency_code,
        cause,
        cause_detail
    having sum(part_amount) <> 0
)

select * from final
