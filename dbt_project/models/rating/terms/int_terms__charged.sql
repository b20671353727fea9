{%- set minor_units -%}
    {{ whole_quotient(
        scaled_integer('lines.computed_amount', 4), power_of_ten('4 - terms.minor_unit')
    ) }}
{%- endset %}
{%- set amount_minor_units = rounded_quotient(
    'cast(amount_units as ' ~ whole_number() ~ ')',
    power_of_ten('12 - minor_unit'),
    "'half_away'"
) %}

with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

charge_lines as (
    select * from {{ ref('int_charges__rounded') }}
),

minimums as (
    select * from {{ ref('int_minimums__due') }}
),

celled_terms as (
    select * from {{ ref('int_terms__celled') }}
    where term_kind in ('commitment', 'maximum_spend', 'one_off')
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

known_until as (
    select max(started_at) as known_until_at
    from batches
),

lines as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        computed_amount,
        exception_code
    from charge_lines
    union all
    select
        contract_id,
        charge_id,
        cell_start_date,
        computed_amount,
        exception_code
    from minimums
),

-- What the charges that a term covers come to in each of its cells, in minor units.
terms as (
    select
        *,
        {{ amount_minor_units | indent(8) }} as term_units
    from celled_terms
),

covered as (
    select
        terms.contract_id,
        terms.term_id,
        terms.cell_start_date,
        sum({{ minor_units }}) as covered_units,
        bool_or(lines.exception_code is not null) as is_held
    from terms
    inner join term_charges on terms.term_id = term_charges.term_id
    inner join lines
        on
            terms.contract_id = lines.contract_id
            and term_charges.charge_id = lines.charge_id
            and terms.cell_start_date = lines.cell_start_date
    group by
        terms.contract_id,
        terms.term_id,
        terms.cell_start_date
),

measured as (
    select
        terms.*,
        coalesce(covered.covered_units, 0) as covered_units,
        coalesce(covered.is_held, false) as is_held
    from terms
    left join covered
        on
            terms.contract_id = covered.contract_id
            and terms.term_id = covered.term_id
            and terms.cell_start_date = covered.cell_start_date
),

-- A commitment of the whole term looks at all that was spent since it began.
accumulated as (
    select
        *,
        case
            when commitment_span = 'term' then sum(covered_units) over term_cells
            else covered_units
        end as spent_units,
        case
            when commitment_span = 'term' then bool_or(is_held) over term_cells
            else is_held
        end as is_any_held
    from measured
    window term_cells as (
        partition by contract_id, term_id
        order by cell_start_date
        rows between unbounded preceding and current row
    )
),

true_ups as (
    select
        *,
        'true_up' as line_kind,
        case
            when commitment_span = 'period' or is_last_cell
                then greatest(term_units - spent_units, 0)
            else 0
        end as line_units
    from accumulated
    where term_kind = 'commitment'
),

overages as (
    select
        *,
        'overage' as line_kind,
        {{ rounded_quotient(
            '(greatest(spent_units - term_units, 0) * ('
            ~ scaled_integer('overage_factor', 12) ~ ' - 1000000000000))',
            '1000000000000',
            "'half_away'"
        ) | indent(8) }} as line_units
    from accumulated
    where
        term_kind = 'commitment'
        and overage_factor is not null
        and (commitment_span = 'period' or is_last_cell)
),

commitment_lines as (
    select * from true_ups
    union all
    select * from overages
),

-- A maximum spend holds for what the commitments of its charges add, too.
sharing_terms as (
    select distinct
        caps.contract_id,
        caps.term_id,
        caps.cell_start_date,
        commitment_lines.term_id as commitment_id,
        commitment_lines.line_kind,
        commitment_lines.line_units,
        commitment_lines.is_any_held
    from accumulated as caps
    inner join term_charges as cap_charges on caps.term_id = cap_charges.term_id
    inner join term_charges as commitment_charges
        on cap_charges.charge_id = commitment_charges.charge_id
    inner join commitment_lines
        on
            caps.contract_id = commitment_lines.contract_id
            and commitment_charges.term_id = commitment_lines.term_id
            and caps.cell_start_date = commitment_lines.cell_start_date
    where caps.term_kind = 'maximum_spend'
),

added as (
    select
        contract_id,
        term_id,
        cell_start_date,
        sum(line_units) as added_units,
        bool_or(is_any_held) as is_added_held
    from sharing_terms
    group by contract_id, term_id, cell_start_date
),

caps as (
    select
        accumulated.*,
        'cap' as line_kind,
        -greatest(
            accumulated.covered_units
            + coalesce(added.added_units, 0)
            - accumulated.term_units,
            0
        ) as line_units
    from accumulated
    left join added
        on
            accumulated.contract_id = added.contract_id
            and accumulated.term_id = added.term_id
            and accumulated.cell_start_date = added.cell_start_date
    where accumulated.term_kind = 'maximum_spend'
),

one_offs as (
    select
        *,
        'one_off' as line_kind,
        term_units as line_units
    from accumulated
    where term_kind = 'one_off'
),

charged as (
    select * from commitment_lines
    union all
    select * from caps
    union all
    select * from one_offs
),

final as (
    select
        charged.contract_id,
        charged.contract_lineage_id,
        charged.term_id,
        charged.term_kind,
        charged.term_name,
        charged.line_kind,
        charged.currency_code,
        charged.time_zone,
        charged.product_id,
        charged.cell_start_date,
        charged.cell_end_date,
        case
            when charged.commitment_span = 'term' and charged.is_last_cell
                then charged.in_force_from_at
            else charged.from_at
        end as service_start_at,
        charged.to_at as service_end_at,
        case when charged.term_kind = 'one_off' then 'advance' else 'arrears' end
            as billing_timing,
        case
            when charged.term_kind = 'one_off' then charged.from_at
            else charged.cell_end_at
        end <= known_until.known_until_at as is_due,
        charged.minor_unit,
        case
            when charged.is_any_held or coalesce(added.is_added_held, false)
                then 'depends_on_held'
        end as exception_code,
        {{ from_scaled_integer(
            'charged.term_units * ' ~ power_of_ten('4 - charged.minor_unit'), 4
        ) }} as threshold_amount,
        {{ from_scaled_integer(
            '(charged.spent_units + coalesce(added.added_units, 0)) * '
            ~ power_of_ten('4 - charged.minor_unit'),
            4
        ) }} as covered_amount,
        {{ from_scaled_integer(
            'charged.line_units * ' ~ power_of_ten('4 - charged.minor_unit'), 4
        ) }} as computed_amount,
        charged.overage_factor,
        charged.reference_version
    from charged
    left join added
        on
            charged.contract_id = added.contract_id
            and charged.term_id = added.term_id
            and charged.cell_start_date = added.cell_start_date
    cross join known_until
)

select * from final
