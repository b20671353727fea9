with recursive payable as (
    select * from {{ ref('int_credits__payable') }}
),

grants as (
    select * from {{ ref('int_credits__opened') }}
),

scopes as (
    select * from {{ ref('stg_reference__credit_grant_scopes') }}
),

-- Every key of a contract meets every grant of its lineage, in the order of drawing.
met as (
    select
        payable.document_id,
        payable.settlement_key,
        payable.contract_lineage_id,
        payable.key_number,
        payable.minor_unit,
        grants.drawing_number,
        grants.credit_grant_id,
        grants.unit is not null as is_of_units,
        greatest(
            case
                when grants.unit is not null
                    then {{ scaled_integer('grants.open_quantity', 9) }}
                else
                    {{ whole_quotient(
                        scaled_integer('grants.open_quantity', 9),
                        power_of_ten('9 - payable.minor_unit')
                    ) }}
            end,
            cast(0 as {{ whole_number() }})
        ) as open_units,
        coalesce(
            case
                when
                    grants.run_start_date is null
                    or payable.service_end_date > grants.run_start_date
                    then
                        grants.starts_on < payable.service_end_date
                        and coalesce(
                            grants.expires_on > payable.service_start_date, true
                        )
                -- What comes late draws what is open in the month of the run.
                else
                    grants.starts_on
                    < {{ add_months('grants.run_start_date', '1', '1') }}
                    and coalesce(grants.expires_on > grants.run_start_date, true)
            end
            and (not grants.is_scoped or scopes.charge_id is not null)
            and (
                grants.credit_kind = 'promotional'
                or grants.legal_entity_id = payable.legal_entity_id
            )
            and case
                when grants.unit is null
                    then grants.currency_code = payable.currency_code
                else
                    payable.line_kind = 'usage'
                    and grants.unit = payable.unit_label
                    and payable.payable_quantity_units > 0
            end,
            false
        ) as is_payable
    from payable
    inner join grants on payable.contract_lineage_id = grants.contract_lineage_id
    left join scopes
        on
            grants.credit_grant_id = scopes.credit_grant_id
            and payable.charge_id = scopes.charge_id
),

-- One grant after the other takes what those before it left, over keys in their order.
-- A grant's own measure is money or units; the other one goes down in proportion.
drawings as (
    select
        document_id,
        settlement_key,
        0 as drawing_number,
        cast(null as varchar) as credit_grant_id,
        cast(payable_units as {{ whole_number() }}) as left_units,
        cast(payable_quantity_units as {{ whole_number() }}) as left_quantity_units,
        cast(0 as {{ whole_number() }}) as drawn_units,
        cast(0 as {{ whole_number() }}) as drawn_quantity_units
    from payable
    union all
    select
        document_id,
        settlement_key,
        drawing_number,
        credit_grant_id,
        left_units - drawn_units as left_units,
        left_quantity_units - drawn_quantity_units as left_quantity_units,
        drawn_units,
        drawn_quantity_units
    from (
        select
            *,
            {{ proportional_columns('other_left', 'own_drawn', 'own_whole', 'part') }},
            case
                when is_of_units then {{ proportional_rounded('part') }}
                else own_drawn
            end as drawn_units,
            case when is_of_units then own_drawn else part_units end
                as drawn_quantity_units
        from (
            select
                *,
                greatest(own_left, cast(1 as {{ whole_number() }})) as own_whole,
                greatest(
                    least(
                        own_left,
                        open_units
                        - {{ sum_before('own_left', ['contract_lineage_id']) }}
                    ),
                    cast(0 as {{ whole_number() }})
                ) as own_drawn
            from (
                select
                    met.*,
                    drawings.left_units,
                    drawings.left_quantity_units,
                    case
                        when not met.is_payable or drawings.left_units = 0
                            then cast(0 as {{ whole_number() }})
                        when met.is_of_units then drawings.left_quantity_units
                        else drawings.left_units
                    end as own_left,
                    case
                        when met.is_of_units then drawings.left_units
                        else drawings.left_quantity_units
                    end as other_left
                from drawings
                inner join met
                    on
                        drawings.document_id = met.document_id
                        and drawings.settlement_key = met.settlement_key
                        and drawings.drawing_number + 1 = met.drawing_number
            ) as asked
        ) as answered
    ) as taken
),

final as (
    select
        drawings.document_id,
        drawings.settlement_key,
        grants.credit_grant_id,
        grants.credit_grant_name,
        grants.credit_kind,
        grants.drawing_number,
        grants.unit,
        payable.currency_code,
        grants.erp_item,
        grants.revenue_account,
        {{ from_scaled_integer(
            'drawings.drawn_units * ' ~ power_of_ten('4 - payable.minor_unit'), 4
        ) }} as drawn_amount,
        case
            when grants.unit is not null
                then {{ from_scaled_integer('drawings.drawn_quantity_units', 9) }}
        end as drawn_quantity
    from drawings
    inner join payable
        on
            drawings.document_id = payable.document_id
            and drawings.settlement_key = payable.settlement_key
    inner join grants on drawings.credit_grant_id = grants.credit_grant_id
    where drawings.drawn_units > 0 or drawings.drawn_quantity_units > 0
)

select * from final
