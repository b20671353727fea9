{%- set line_columns = term_line_columns() -%}
{%- set part_columns = line_columns + [
    'parties_since_at', 'contract_version', 'from_at', 'to_at', 'total_units'
] -%}
{%- set on_lines = [] -%}
{%- for column in line_columns -%}
{%- do on_lines.append('lines.' ~ column ~ ' = parts.' ~ column) -%}
{%- endfor %}

with charged_terms as (
    select * from {{ ref('int_terms__charged') }}
),

parts as (
    select * from {{ ref('int_terms__parted') }}
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

-- Shares are taken of the size of an amount, in minor units.
lines as (
    select
        *,
        {{ whole_quotient(
            scaled_integer('abs(computed_amount)', 4), power_of_ten('4 - minor_unit')
        ) }} as total_units
    from charged_terms
),

lines_in_parts as (
    select
        {% for column in line_columns -%}
        parts.{{ column }},
        {% endfor -%}
        parts.parties_since_at,
        parts.contract_version,
        parts.from_at,
        parts.to_at,
        parts.time_units,
        parts.billed_units,
        lines.total_units
    from lines
    inner join parts
        on
            {{ on_lines | join('\n            and ') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by {{ line_columns | join(', ') }}
            order by from_at
        ) as number_from_first
    from lines_in_parts
),

-- A one-off is due from who holds the contract as its day begins.
commitment_parts as (
    select
        {{ part_columns | join(', ') }},
        case
            when line_kind = 'overage' then greatest(billed_units, 0)
            else time_units
        end as weight
    from numbered
    where
        line_kind in ('true_up', 'overage')
        or (line_kind = 'one_off' and number_from_first = 1)
),

{{ in_parts('commitment_parts', 'commitments') }},

-- A maximum lowers what commitments of its charges add, too.
lowered_commitments as (
    select distinct
        lines.contract_id,
        lines.term_id,
        lines.cell_start_date,
        lines.line_kind,
        lines.total_units,
        commitments.term_id as commitment_id,
        commitments.line_kind as commitment_line_kind,
        commitments.parties_since_at,
        commitments.contract_version,
        commitments.from_at,
        commitments.to_at,
        commitments.part_units
    from lines
    inner join term_charges as cap_charges on lines.term_id = cap_charges.term_id
    inner join term_charges as commitment_charges
        on cap_charges.charge_id = commitment_charges.charge_id
    inner join commitments
        on
            lines.contract_id = commitments.contract_id
            and commitment_charges.term_id = commitments.term_id
            and lines.cell_start_date = commitments.cell_start_date
    where
        lines.line_kind = 'cap'
        and lines.computed_amount <> 0
        and commitments.part_units <> 0
        and commitments.line_kind <> 'one_off'
),

lowered as (
    select
        {{ part_columns | join(', ') }},
        true as is_of_lines,
        billed_units
    from lines_in_parts
    where line_kind = 'cap'
    union all
    select
        {{ part_columns | join(', ') }},
        false as is_of_lines,
        part_units as billed_units
    from lowered_commitments
),

cap_parts as (
    select
        {{ line_columns | join(', ') }},
        parties_since_at,
        coalesce(
            max(case when is_of_lines then contract_version end), max(contract_version)
        ) as contract_version,
        coalesce(min(case when is_of_lines then from_at end), min(from_at)) as from_at,
        coalesce(max(case when is_of_lines then to_at end), max(to_at)) as to_at,
        min(total_units) as total_units,
        greatest(sum(billed_units), 0) as weight
    from lowered
    group by {{ line_columns | join(', ') }}, parties_since_at
),

{{ in_parts('cap_parts', 'caps') }},

shared as (
    select
        *,
        case when line_kind = 'overage' then 'money' else 'time' end as weighed_by
    from commitments
    union all
    select
        *,
        'money' as weighed_by
    from caps
),

final as (
    select
        lines.contract_id,
        lines.contract_lineage_id,
        parts.contract_version,
        contract_spans.customer_id,
        contract_spans.bill_to_customer_id,
        contract_spans.legal_entity_id,
        contract_spans.tax_profile,
        contract_spans.plan_id,
        lines.term_id,
        lines.term_kind,
        lines.term_name,
        lines.line_kind,
        lines.currency_code,
        lines.time_zone,
        lines.product_id,
        lines.cell_start_date,
        lines.cell_end_date,
        case
            when lines.line_kind = 'one_off' then lines.service_start_at
            else parts.from_at
        end as service_start_at,
        case
            when lines.line_kind = 'one_off' then lines.service_end_at
            else parts.to_at
        end as service_end_at,
        lines.billing_timing,
        lines.is_due,
        lines.exception_code,
        lines.threshold_amount,
        lines.covered_amount,
        case when parts.part_count > 1 then lines.computed_amount end as shared_amount,
        case when parts.part_count > 1 then parts.weighed_by end as weighed_by,
        cast(case when parts.part_count > 1 then parts.weight end as decimal(38, 0))
            as line_weight,
        cast(
            case when parts.part_count > 1 then parts.whole_weight end
            as decimal(38, 0)
        ) as run_weight,
        {{ from_scaled_integer(
            'case when lines.computed_amount < 0 then -parts.part_units '
            ~ 'else parts.part_units end * ' ~ power_of_ten('4 - lines.minor_unit'),
            4
        ) }} as computed_amount,
        lines.overage_factor,
        lines.reference_version
    from lines
    inner join shared as parts
        on
            {{ on_lines | join('\n            and ') }}
    inner join contract_spans
        on
            parts.contract_id = contract_spans.contract_id
            and parts.contract_version = contract_spans.contract_version
)

select * from final
