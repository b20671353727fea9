with batches as (
    select * from {{ ref('stg_ingestion__batches') }}
),

raw_parts as (
    select * from {{ ref('stg_ingestion__raw_parts') }}
),

counted_events as (
    select * from {{ ref('int_events__counted') }}
),

set_aside as (
    select * from {{ ref('int_events__set_aside') }}
),

metered as (
    select * from {{ ref('int_usage__metered') }}
),

unresolved as (
    select * from {{ ref('int_usage__unresolved') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation in ('count', 'sum')
),

contract_versions as (
    select * from {{ ref('stg_reference__contract_versions') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
    where contract_id is null and meter_id is not null
),

metered_usage as (
    select * from {{ ref('fct_metered_usage') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

line_tiers as (
    select * from {{ ref('fct_rated_line_tiers') }}
),

settlements as (
    select * from {{ ref('int_settlements__compared') }}
    where outcome <> 'not_due'
),

documents as (
    select * from {{ ref('fct_invoice_candidates') }}
),

document_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
),

exceptions as (
    select * from {{ ref('fct_exceptions') }}
),

expected_charges as (
    select * from {{ ref('int_charges__expected') }}
    where is_due
),

outcomes as (
    select * from {{ ref('fct_outcomes') }}
),

entries as (
    select * from {{ ref('stg_register__entries') }}
),

postings as (
    select * from {{ ref('stg_operations__postings') }}
),

erp_documents as (
    select * from {{ ref('stg_operations__erp_documents') }}
),

-- 1. The manifest of batches against the rows of the files that they wrote.
written_rows as (
    select
        ingestion_batch_id,
        coalesce(sum(row_count) filter (where part_kind = 'events'), 0)
            as accepted_rows,
        coalesce(sum(row_count) filter (where part_kind = 'rejects'), 0)
            as rejected_rows
    from raw_parts
    group by ingestion_batch_id
),

lines_read as (
    select
        'ingestion_batch' as scope_kind,
        cast(batches.ingestion_batch_id as varchar) as scope_id,
        batches.lines_read as left_figure,
        coalesce(written_rows.accepted_rows, 0)
        + coalesce(written_rows.rejected_rows, 0)
            as right_figure
    from batches
    left join
        written_rows
        on batches.ingestion_batch_id = written_rows.ingestion_batch_id
),

-- 2. Raw rows against unique events and what was set aside.
accepted_by_date as (
    select
        event_date,
        sum(row_count) as accepted_rows
    from raw_parts
    where part_kind = 'events'
    group by event_date
),

unique_by_date as (
    select
        event_date,
        sum(event_count) as unique_events
    from counted_events
    group by event_date
),

aside_by_date as (
    select
        event_date,
        count(*) as aside_events
    from set_aside
    group by event_date
),

accepted_events as (
    select
        'event_date' as scope_kind,
        cast(
            coalesce(
                accepted_by_date.event_date,
                unique_by_date.event_date,
                aside_by_date.event_date
            ) as varchar
        ) as scope_id,
        coalesce(accepted_by_date.accepted_rows, 0) as left_figure,
        coalesce(unique_by_date.unique_events, 0)
        + coalesce(aside_by_date.aside_events, 0)
            as right_figure
    from accepted_by_date
    full outer join
        unique_by_date
        on accepted_by_date.event_date = unique_by_date.event_date
    full outer join aside_by_date
        on
            coalesce(accepted_by_date.event_date, unique_by_date.event_date)
            = aside_by_date.event_date
),

-- 3. Unique events against the resolved ones and the exceptions of the others.
unique_events as (
    select
        'event_count' as scope_kind,
        'unique events' as scope_id,
        coalesce(sum(event_count), 0) as left_figure,
        coalesce(sum(event_count) filter (where contract_id is not null), 0)
        + (
            select coalesce(sum(exceptions.event_count), 0)
            from exceptions
            where exceptions.object_kind = 'subject' and exceptions.exception_code in (
                'unmapped_source',
                'unmapped_subject',
                'ambiguous_identity',
                'no_contract'
            )
        ) as right_figure
    from counted_events
),

-- … and the same for the quantity of every additive meter.
metered_quantities as (
    select
        metered.meter_id,
        sum(
            case
                when meters.aggregation = 'count' then metered.event_count
                when
                    {{ is_within_limit('metered.quantity_sum') }}
                    then metered.quantity_sum
                else 0
            end
        ) as quantity
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    group by metered.meter_id
),

resolved_quantities as (
    select
        metered_usage.meter_id,
        sum(metered_usage.quantity) as quantity
    from metered_usage
    inner join meters on metered_usage.meter_id = meters.meter_id
    group by metered_usage.meter_id
),

unresolved_quantities as (
    select
        meter_id,
        sum(quantity) as quantity
    from unresolved
    group by meter_id
),

unique_quantities as (
    select
        'meter' as scope_kind,
        meters.meter_id as scope_id,
        coalesce(metered_quantities.quantity, 0) as left_figure,
        coalesce(resolved_quantities.quantity, 0)
        + coalesce(unresolved_quantities.quantity, 0) as right_figure
    from meters
    left join metered_quantities on meters.meter_id = metered_quantities.meter_id
    left join resolved_quantities on meters.meter_id = resolved_quantities.meter_id
    left join unresolved_quantities on meters.meter_id = unresolved_quantities.meter_id
),

-- 4. Resolved quantity, once per charge in force on its day, against the rated lines.
plan_days as (
    select
        contract_versions.plan_id,
        metered_usage.meter_id,
        metered_usage.local_date,
        sum(metered_usage.quantity) as quantity
    from metered_usage
    inner join meters on metered_usage.meter_id = meters.meter_id
    inner join contract_versions
        on
            metered_usage.contract_id = contract_versions.contract_id
            and metered_usage.contract_version = contract_versions.contract_version
    group by
        contract_versions.plan_id,
        metered_usage.meter_id,
        metered_usage.local_date
),

charged_days as (
    select
        plan_days.plan_id,
        plan_days.meter_id,
        plan_days.local_date,
        min(plan_days.quantity) as quantity,
        greatest(count(charges.charge_id), 1) as charge_count
    from plan_days
    left join charges
        on
            plan_days.plan_id = charges.plan_id
            and plan_days.meter_id = charges.meter_id
            and plan_days.local_date >= charges.effective_from_date
            and (
                charges.effective_to_date is null
                or plan_days.local_date < charges.effective_to_date
            )
    group by
        plan_days.plan_id,
        plan_days.meter_id,
        plan_days.local_date
),

charged_quantities as (
    select
        meter_id,
        sum({{ multiply('quantity', 'charge_count', 9) }}) as quantity
    from charged_days
    group by meter_id
),

rated_quantities as (
    select
        meter_id,
        sum(quantity) as quantity
    from rated_lines
    group by meter_id
),

unpriced_quantities as (
    select
        split_part(object_id, ' ', 2) as meter_id,
        sum(quantity_at_risk) as quantity
    from exceptions
    where exception_code = 'unpriced_usage'
    group by split_part(object_id, ' ', 2)
),

rated_usage as (
    select
        'meter' as scope_kind,
        meters.meter_id as scope_id,
        coalesce(charged_quantities.quantity, 0) as left_figure,
        coalesce(rated_quantities.quantity, 0)
        + coalesce(unpriced_quantities.quantity, 0) as right_figure
    from meters
    left join charged_quantities on meters.meter_id = charged_quantities.meter_id
    left join rated_quantities on meters.meter_id = rated_quantities.meter_id
    left join unpriced_quantities on meters.meter_id = unpriced_quantities.meter_id
),

-- 5. Lines against their tiers, documents against their lines.
tier_sums as (
    select
        rated_line_id,
        sum(amount) as amount
    from line_tiers
    group by rated_line_id
),

lines_and_tiers as (
    select
        rated_lines.currency_code,
        rated_lines.amount,
        coalesce(tier_sums.amount, 0) as part_amount
    from rated_lines
    left join tier_sums on rated_lines.rated_line_id = tier_sums.rated_line_id
    where rated_lines.amount is not null
),

document_sums as (
    select
        document_id,
        sum(amount) as amount
    from document_lines
    group by document_id
),

documents_and_lines as (
    select
        documents.currency_code,
        documents.amount,
        coalesce(document_sums.amount, 0) as part_amount
    from documents
    left join document_sums on documents.document_id = document_sums.document_id
),

wholes as (
    select * from lines_and_tiers
    union all
    select * from documents_and_lines
),

wholes_and_parts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        count(*) as left_figure,
        count(*) filter (where amount = part_amount) as right_figure
    from wholes
    group by currency_code
),

line_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(amount) as left_figure,
        sum(part_amount) as right_figure
    from lines_and_tiers
    group by currency_code
),

document_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(amount) as left_figure,
        sum(part_amount) as right_figure
    from documents_and_lines
    group by currency_code
),

-- 6. Contracts, plans and cells say what is expected; rating says what came of it.
expected_by_period as (
    select
        billing_period,
        count(distinct {{ content_id(
            ['contract_lineage_id', 'charge_id', 'cell_start_date', 'cell_end_date']
        ) }}) as expected_count
    from expected_charges
    group by billing_period
),

reached_by_period as (
    select
        billing_period,
        count(*) filter (where is_rated) as reached_count,
        count(*) filter (where is_expected <> is_rated) as broken_count
    from outcomes
    group by billing_period
),

expected_outcomes as (
    select
        'billing_period' as scope_kind,
        coalesce(expected_by_period.billing_period, reached_by_period.billing_period)
            as scope_id,
        coalesce(expected_by_period.expected_count, 0) as left_figure,
        coalesce(reached_by_period.reached_count, 0) as right_figure,
        coalesce(reached_by_period.broken_count, 0) as broken_count
    from expected_by_period
    full outer join reached_by_period
        on expected_by_period.billing_period = reached_by_period.billing_period
),

-- … and per settlement key, rated = billed + candidate + held.
key_amounts as (
    select
        settlement_key,
        currency_code,
        coalesce(computed_amount, 0) as rated_amount,
        0 as settled_amount
    from rated_lines
    where is_due
    union all
    select
        settlement_key,
        currency_code,
        0 as rated_amount,
        amount as settled_amount
    from entries
    where entry_kind in ('bill', 'correct', 'release', 'external')
    union all
    select
        settlement_key,
        currency_code,
        0 as rated_amount,
        amount as settled_amount
    from document_lines
    union all
    select
        settlement_key,
        currency_code,
        0 as rated_amount,
        coalesce(computed_amount, 0) - billed_amount + conceded_amount as settled_amount
    from settlements
    where outcome = 'held'
),

key_balances as (
    select
        settlement_key,
        currency_code,
        sum(rated_amount) as rated_amount,
        sum(settled_amount) as settled_amount
    from key_amounts
    group by settlement_key, currency_code
),

settled_amounts as (
    select
        'currency' as scope_kind,
        currency_code as scope_id,
        sum(rated_amount) as left_figure,
        sum(settled_amount) as right_figure,
        count(*) filter (where rated_amount <> settled_amount) as broken_count
    from key_balances
    group by currency_code
),

-- 7. Documents as signed against documents as the ERP holds them, line by line.
posted_lines as (
    select
        entries.posting_key,
        entries.line_number,
        entries.legal_entity_id,
        entries.bill_to_customer_id,
        entries.currency_code,
        entries.erp_item,
        entries.amount
    from entries
    inner join postings on entries.posting_key = postings.posting_key
    inner join erp_documents on entries.posting_key = erp_documents.posting_key
    where entries.entry_kind in ('bill', 'correct') and postings.state = 'posted'
),

erp_lines as (
    select
        erp_documents.posting_key,
        erp_documents.legal_entity_id,
        erp_documents.customer_id,
        erp_documents.currency_code,
        {{ each_of(erp_document_lines('erp_documents.lines')) }} as erp_line
    from erp_documents
),

erp_line_columns as (
    select
        erp_lines.posting_key,
        erp_lines.legal_entity_id,
        erp_lines.customer_id,
        erp_lines.currency_code,
        erp_lines.erp_line.line_number,
        erp_lines.erp_line.erp_item,
        cast(erp_lines.erp_line.amount as decimal(38, 4)) as amount
    from erp_lines
),

compared_lines as (
    select
        coalesce(posted_lines.legal_entity_id, erp_line_columns.legal_entity_id, 'none')
            as legal_entity_id,
        posted_lines.posting_key is not null as is_signed,
        coalesce(
            posted_lines.amount = erp_line_columns.amount
            and posted_lines.erp_item = erp_line_columns.erp_item
            and posted_lines.currency_code = erp_line_columns.currency_code
            and posted_lines.bill_to_customer_id = erp_line_columns.customer_id
            and posted_lines.legal_entity_id = erp_line_columns.legal_entity_id,
            false
        ) as is_equal
    from posted_lines
    full outer join erp_line_columns
        on
            posted_lines.posting_key = erp_line_columns.posting_key
            and posted_lines.line_number = erp_line_columns.line_number
),

erp_register_lines as (
    select
        'legal_entity' as scope_kind,
        legal_entity_id as scope_id,
        count(*) filter (where is_signed) as left_figure,
        count(*) filter (where is_equal) as right_figure,
        count(*) filter (where not is_equal) as broken_count
    from compared_lines
    group by legal_entity_id
),

posted_amounts as (
    select
        posting_key,
        currency_code,
        sum(amount) as amount
    from posted_lines
    group by posting_key, currency_code
),

erp_amounts as (
    select
        'currency' as scope_kind,
        posted_amounts.currency_code as scope_id,
        sum(posted_amounts.amount) as left_figure,
        sum(erp_documents.total_amount) as right_figure,
        count(*) filter (where posted_amounts.amount <> erp_documents.total_amount)
            as broken_count
    from posted_amounts
    inner join erp_documents on posted_amounts.posting_key = erp_documents.posting_key
    group by posted_amounts.currency_code
),

figures as (
    {% for check in conservation_checks() -%}
    select
        {{ check.invariant }} as invariant_number,
        '{{ check.name }}' as check_name,
        {{ check.is_headline | lower }} as is_headline,
        scope_kind,
        cast(scope_id as varchar) as scope_id,
        cast(left_figure as decimal(38, 9)) as left_figure,
        cast(right_figure as decimal(38, 9)) as right_figure,
        {{ 'broken_count' if check.counts_broken else '0' }} as broken_count
    from {{ check.relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- A check about nothing holds: its row still says so.
checks as (
    {% for check in conservation_checks() -%}
    select
        {{ check.invariant }} as invariant_number,
        '{{ check.name }}' as check_name,
        {{ check.is_headline | lower }} as is_headline,
        {{ 'true' if check.left_total_label else 'false' }} as is_by_currency,
        '{{ check.left_label }}' as left_label,
        '{{ check.right_label }}' as right_label,
        '{{ check.left_total_label or check.left_label }}' as left_total_label,
        '{{ check.right_total_label or check.right_label }}' as right_total_label
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

totals as (
    select
        checks.invariant_number,
        checks.check_name,
        checks.is_headline,
        'all' as scope_kind,
        'all' as scope_id,
        case
            when checks.is_by_currency then count(figures.scope_id)
            else coalesce(sum(figures.left_figure), 0)
        end as left_figure,
        case
            when checks.is_by_currency
                then
                    count(figures.scope_id) filter (
                        where
                        figures.left_figure = figures.right_figure
                        and figures.broken_count = 0
                    )
            else coalesce(sum(figures.right_figure), 0)
        end as right_figure,
        coalesce(
            sum(
                figures.broken_count
                + case
                    when figures.left_figure <> figures.right_figure then 1
                    else 0
                end
            ),
            0
        ) as broken_count
    from checks
    left join figures on checks.check_name = figures.check_name
    group by
        checks.invariant_number,
        checks.check_name,
        checks.is_headline,
        checks.is_by_currency
),

all_figures as (
    select * from totals
    union all
    select * from figures
),

final as (
    select
        all_figures.invariant_number,
        all_figures.check_name,
        all_figures.is_headline,
        all_figures.scope_kind,
        all_figures.scope_id,
        case
            when all_figures.scope_kind = 'all' then checks.left_total_label
            else checks.left_label
        end as left_label,
        cast(all_figures.left_figure as decimal(38, 9)) as left_figure,
        case
            when all_figures.scope_kind = 'all' then checks.right_total_label
            else checks.right_label
        end as right_label,
        cast(all_figures.right_figure as decimal(38, 9)) as right_figure,
        cast(all_figures.left_figure - all_figures.right_figure as decimal(38, 9))
            as difference,
        all_figures.left_figure = all_figures.right_figure
        and all_figures.broken_count = 0
            as is_held
    from all_figures
    inner join checks on all_figures.check_name = checks.check_name
)

select * from final
