{%- set line_columns = term_line_columns() -%}
{%- set line_keys = line_columns | join(', ') %}

with charged_terms as (
    select * from {{ ref('int_terms__charged') }}
),

terms_in_force as (
    select * from {{ ref('int_terms__in_force') }}
),

celled_terms as (
    select * from {{ ref('int_terms__celled') }}
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

segments as (
    select * from {{ ref('int_charges__segmented') }}
),

charge_lines as (
    select * from {{ ref('int_charges__rounded') }}
),

minimums as (
    select * from {{ ref('int_minimums__due') }}
),

-- Spans of one contract with the same parties are known by the first of them.
spans as (
    select
        *,
        min(span_start_at) over (
            partition by
                contract_id,
                bill_to_customer_id,
                legal_entity_id,
                tax_profile
        ) as parties_since_at
    from contract_spans
),

moved_contracts as (
    select contract_id
    from spans
    group by contract_id
    having count(distinct parties_since_at) > 1
),

-- The time of a line in which its term is in force.
in_force as (
    select
        {% for column in line_columns -%}
        charged_terms.{{ column }},
        {% endfor -%}
        spans.parties_since_at,
        spans.contract_version,
        greatest(
            charged_terms.service_start_at,
            terms_in_force.in_force_from_at,
            spans.span_start_at
        ) as from_at,
        least(
            charged_terms.service_end_at,
            terms_in_force.in_force_to_at,
            spans.span_end_at
        ) as to_at
    from charged_terms
    inner join terms_in_force
        on
            charged_terms.contract_id = terms_in_force.contract_id
            and charged_terms.term_id = terms_in_force.term_id
            and charged_terms.service_start_at < terms_in_force.in_force_to_at
            and charged_terms.service_end_at > terms_in_force.in_force_from_at
    inner join spans
        on
            charged_terms.contract_id = spans.contract_id
            and charged_terms.service_start_at < spans.span_end_at
            and charged_terms.service_end_at > spans.span_start_at
            and terms_in_force.in_force_from_at < spans.span_end_at
            and terms_in_force.in_force_to_at > spans.span_start_at
),

-- The cells whose lines an amount is of: those of a whole term, or its own.
looked_at as (
    select
        {% for column in line_columns -%}
        charged_terms.{{ column }},
        {% endfor -%}
        charged_terms.minor_unit,
        celled_terms.cell_start_date as looked_cell_start_date
    from charged_terms
    inner join moved_contracts
        on charged_terms.contract_id = moved_contracts.contract_id
    inner join celled_terms
        on
            charged_terms.contract_id = celled_terms.contract_id
            and charged_terms.term_id = celled_terms.term_id
            and charged_terms.service_start_at <= celled_terms.from_at
            and charged_terms.cell_start_date >= celled_terms.cell_start_date
    where
        charged_terms.line_kind in ('overage', 'cap')
        and charged_terms.computed_amount <> 0
),

billed_lines as (
    select
        charge_lines.contract_id,
        charge_lines.charge_id,
        charge_lines.cell_start_date,
        charge_lines.service_start_at,
        segments.service_end_at,
        charge_lines.computed_amount
    from charge_lines
    inner join moved_contracts on charge_lines.contract_id = moved_contracts.contract_id
    inner join segments
        on
            charge_lines.contract_id = segments.contract_id
            and charge_lines.charge_id = segments.charge_id
            and charge_lines.service_start_at = segments.service_start_at
    union all
    select
        contract_id,
        charge_id,
        cell_start_date,
        service_start_at,
        service_end_at,
        computed_amount
    from minimums
),

billed as (
    select
        {% for column in line_columns -%}
        looked_at.{{ column }},
        {% endfor -%}
        spans.parties_since_at,
        spans.contract_version,
        billed_lines.service_start_at as from_at,
        billed_lines.service_end_at as to_at,
        {{ whole_quotient(
            scaled_integer('billed_lines.computed_amount', 4),
            power_of_ten('4 - looked_at.minor_unit')
        ) }} as billed_units
    from looked_at
    inner join term_charges on looked_at.term_id = term_charges.term_id
    inner join billed_lines
        on
            looked_at.contract_id = billed_lines.contract_id
            and term_charges.charge_id = billed_lines.charge_id
            and looked_at.looked_cell_start_date = billed_lines.cell_start_date
    inner join spans
        on
            billed_lines.contract_id = spans.contract_id
            and billed_lines.service_start_at >= spans.span_start_at
            and billed_lines.service_start_at < spans.span_end_at
),

found as (
    select
        *,
        true as is_in_force,
        {{ microseconds_between('from_at', 'to_at') }} as time_units,
        cast(0 as {{ whole_number() }}) as billed_units
    from in_force
    union all
    select
        {{ line_keys }},
        parties_since_at,
        contract_version,
        from_at,
        to_at,
        false as is_in_force,
        0 as time_units,
        billed_units
    from billed
),

parts as (
    select
        {{ line_keys }},
        parties_since_at,
        coalesce(
            max_by(case when is_in_force then contract_version end, from_at),
            max_by(contract_version, from_at)
        ) as contract_version,
        coalesce(min(case when is_in_force then from_at end), min(from_at)) as from_at,
        coalesce(max(case when is_in_force then to_at end), max(to_at)) as to_at,
        sum(time_units) as time_units,
        sum(billed_units) as billed_units
    from found
    group by {{ line_keys }}, parties_since_at
),

final as (
    select
        {{ line_keys }},
        parties_since_at,
        cast(contract_version as integer) as contract_version,
        from_at,
        to_at,
        cast(time_units as decimal(38, 0)) as time_units,
        cast(billed_units as decimal(38, 0)) as billed_units
    from parts
)

select * from final
