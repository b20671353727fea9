{#-
    The checks of fct_conservation: what stands on their two sides, in words, and in which unit.

    Belongs here: names, labels, units, which checks finance reads, and what to do about a red one.
    Does not belong here: the figures, each of which is a CTE of one of the models that are named.

    A check whose scopes have units of their own (currencies, units of meters) counts the scopes in
    its total, since amounts or quantities of several units never add up.

        unit           SQL over a row of the relation: what both of its figures are counted in
        total_unit     the same for the row over all scopes
        counts_broken  whether the relation has a broken_count of its own
        from_period    SQL: the first billing period whose signature a row bears on
-#}

{#- All checks, or those whose figures one model computes. -#}
{% macro conservation_checks(model=none) -%}
    {%- set rebuild = 'Delete warehouse/ and run again, which builds it anew from raw files. '
        ~ 'If it stays red, a model is wrong: report it with these figures.' -%}
    {%- set compare = 'Undo in the ERP what was changed there, then read the statuses again.' -%}
    {%- set trace = 'Look in reconciliation.fct_checkpoints for rows that are not is_explained. '
        ~ rebuild -%}
    {%- set checks = [
        {
            'invariant': 1, 'name': 'every_line_read_is_accepted_or_rejected',
            'is_headline': true, 'model': 'int_events__conserved', 'relation': 'lines_read',
            'unit': "'lines'", 'total_unit': 'lines',
            'left_label': 'lines read', 'right_label': 'accepted and rejected rows',
            'what_to_do': 'Run tallyhouse doctor: a raw file is not what its manifest says. '
                ~ 'Restore it, then run again.',
        },
        {
            'invariant': 1, 'name': 'announced_source_days_have_arrived',
            'is_headline': true, 'model': 'int_events__conserved', 'relation': 'announced_days',
            'unit': "'source-days'", 'total_unit': 'source-days',
            'from_period': 'first_billing_period',
            'left_label': 'announced source-days',
            'right_label': 'source-days that arrived or are quiet',
            'what_to_do': 'Load the usage of the days that are named, or list them under '
                ~ 'quiet_days of their source in sources.yml, then run again.',
        },
        {
            'invariant': 1, 'name': 'control_totals_agree_after_their_grace',
            'is_headline': false, 'counts_broken': true,
            'model': 'int_events__conserved', 'relation': 'compared_totals',
            'unit': 'unit', 'total_unit': 'control totals',
            'from_period': 'first_billing_period',
            'left_label': 'control total of the source', 'right_label': 'arrived',
            'left_total_label': 'control totals',
            'right_total_label': 'control totals that agree',
            'what_to_do': 'Look at the days that are named with tallyhouse control-totals: have '
                ~ 'what is missing delivered, or a corrected total, then run again. Or have an '
                ~ 'approver waive the exception.',
        },
        {
            'invariant': 2, 'name': 'accepted_events_are_unique_repeated_or_conflicting',
            'is_headline': true, 'model': 'int_events__conserved', 'relation': 'accepted_events',
            'unit': "'events'", 'total_unit': 'events',
            'left_label': 'accepted events',
            'right_label': 'unique events, retracted ones included, and those set aside',
            'what_to_do': rebuild,
        },
        {
            'invariant': 2, 'name': 'contents_set_aside_are_listed_for_stewards',
            'is_headline': false, 'model': 'int_events__conserved', 'relation': 'listed_contents',
            'unit': "'events'", 'total_unit': 'events',
            'left_label': 'conflicting, dropped and retracted events',
            'right_label': 'contents that stand so in fct_conflicting_events',
            'what_to_do': rebuild,
        },
        {
            'invariant': 3, 'name': 'unique_events_are_resolved_or_excepted',
            'is_headline': true, 'model': 'int_events__conserved', 'relation': 'unique_events',
            'unit': "'events'", 'total_unit': 'events',
            'left_label': 'unique events',
            'right_label': 'resolved, excepted and retracted events',
            'what_to_do': rebuild,
        },
        {
            'invariant': 3, 'name': 'unique_quantity_is_resolved_or_excepted',
            'is_headline': false,
            'model': 'int_quantities__conserved', 'relation': 'unique_quantities',
            'unit': 'unit', 'total_unit': 'meters',
            'left_label': 'metered and retracted quantity',
            'right_label': 'resolved, excepted and retracted quantity',
            'left_total_label': 'meters',
            'right_total_label': 'meters in which the quantities agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 3, 'name': 'retracted_quantity_is_set_aside',
            'is_headline': false,
            'model': 'int_quantities__conserved', 'relation': 'retracted_quantities',
            'unit': 'unit', 'total_unit': 'meters',
            'left_label': 'retracted quantity',
            'right_label': 'quantity of events set aside as retracted',
            'left_total_label': 'meters',
            'right_total_label': 'meters in which the quantities agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 4, 'name': 'resolved_quantity_equals_rated_quantity',
            'is_headline': true, 'model': 'int_quantities__conserved', 'relation': 'rated_usage',
            'unit': 'unit', 'total_unit': 'meters',
            'left_label': 'resolved quantity', 'right_label': 'rated and unpriced quantity',
            'left_total_label': 'meters',
            'right_total_label': 'meters in which the quantities agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 4, 'name': 'variances_of_quantities_are_explained', 'is_headline': false,
            'model': 'int_checkpoints__conserved', 'relation': 'variances_of_quantities',
            'unit': "'variances'", 'total_unit': 'variances',
            'left_label': 'variances of quantities between checkpoints',
            'right_label': 'variances that their reasons explain',
            'what_to_do': trace,
        },
        {
            'invariant': 5, 'name': 'documents_equal_their_lines_and_lines_their_tiers',
            'is_headline': false,
            'model': 'int_amounts__conserved', 'relation': 'wholes_and_parts',
            'unit': "'documents and lines'", 'total_unit': 'documents and lines',
            'left_label': 'documents and rated lines',
            'right_label': 'documents and rated lines that equal their parts',
            'what_to_do': rebuild,
        },
        {
            'invariant': 5, 'name': 'line_amounts_equal_tier_amounts',
            'is_headline': false, 'model': 'int_amounts__conserved', 'relation': 'line_amounts',
            'unit': 'scope_id', 'total_unit': 'currencies',
            'left_label': 'amount of rated lines', 'right_label': 'amount of their tiers',
            'left_total_label': 'currencies of rated lines',
            'right_total_label': 'currencies in which tiers agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 5, 'name': 'document_amounts_equal_line_amounts',
            'is_headline': true, 'model': 'int_amounts__conserved', 'relation': 'document_amounts',
            'unit': 'scope_id', 'total_unit': 'currencies',
            'left_label': 'amount of invoice candidates', 'right_label': 'amount of their lines',
            'left_total_label': 'currencies of invoice candidates',
            'right_total_label': 'currencies in which lines agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 6, 'name': 'every_expected_charge_has_exactly_one_outcome',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_amounts__conserved', 'relation': 'expected_outcomes',
            'unit': "'charges'", 'total_unit': 'charges',
            'left_label': 'expected charges', 'right_label': 'charges with one outcome',
            'what_to_do': rebuild,
        },
        {
            'invariant': 6, 'name': 'rated_amount_is_billed_due_or_held',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_amounts__conserved', 'relation': 'settled_amounts',
            'unit': 'scope_id', 'total_unit': 'currencies',
            'left_label': 'rated amount of due charges, held ones included',
            'right_label': 'billed, candidate, held, carried, waived and out-of-window amount',
            'left_total_label': 'currencies rated or billed',
            'right_total_label': 'currencies in which all keys agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 6, 'name': 'due_amount_is_on_documents_or_drawn_from_credits',
            'is_headline': true, 'model': 'int_amounts__conserved', 'relation': 'due_amounts',
            'unit': 'scope_id', 'total_unit': 'currencies',
            'left_label': 'amount due', 'right_label': 'amount of documents and credit draws',
            'left_total_label': 'currencies in which an amount is due',
            'right_total_label': 'currencies in which documents and draws agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 6, 'name': 'credit_granted_is_drawn_expired_or_open',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_amounts__conserved', 'relation': 'granted_credits',
            'unit': 'scope_id', 'total_unit': 'currencies and units',
            'left_label': 'credit granted', 'right_label': 'credit drawn, expired and open',
            'left_total_label': 'currencies and units of credit',
            'right_total_label': 'currencies and units in which credits agree',
            'what_to_do': rebuild,
        },
        {
            'invariant': 6, 'name': 'variances_of_amounts_are_explained', 'is_headline': false,
            'model': 'int_checkpoints__conserved', 'relation': 'variances_of_amounts',
            'unit': "'variances'", 'total_unit': 'variances',
            'left_label': 'variances of amounts between checkpoints',
            'right_label': 'variances that their reasons explain',
            'what_to_do': trace,
        },
        {
            'invariant': 7, 'name': 'erp_documents_equal_the_register',
            'is_headline': false, 'counts_broken': true,
            'model': 'int_erp_lines__conserved', 'relation': 'erp_register_lines',
            'unit': "'lines'", 'total_unit': 'lines',
            'left_label': 'signed lines read back',
            'right_label': 'lines that the ERP holds as signed',
            'what_to_do': compare,
        },
        {
            'invariant': 7, 'name': 'erp_amounts_equal_signed_amounts',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_erp_lines__conserved', 'relation': 'erp_amounts',
            'unit': 'scope_id', 'total_unit': 'currencies',
            'left_label': 'signed amount', 'right_label': 'amount in the ERP',
            'left_total_label': 'currencies signed',
            'right_total_label': 'currencies in which the ERP agrees',
            'what_to_do': compare,
        },
    ] -%}
    {{ return(checks | selectattr('model', 'equalto', model) | list if model else checks) }}
{%- endmacro %}

{#- The select of every figure that a model computes, one relation after the other. -#}
{% macro conserved_figures(model) -%}
    {%- for check in tallyhouse.conservation_checks(model) %}
    select
        '{{ check.name }}' as check_name,
        scope_kind,
        cast(scope_id as varchar) as scope_id,
        cast({{ check.unit }} as varchar) as unit,
        cast({{ check.from_period or 'null' }} as varchar) as first_billing_period,
        cast(left_figure as decimal(38, 9)) as left_figure,
        cast(right_figure as decimal(38, 9)) as right_figure,
        cast({{ 'broken_count' if check.counts_broken else '0' }} as bigint)
            as broken_count
    from {{ check.relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The lines of an ERP document, JSON as the posting wrote it, as a list of structs. -#}
{% macro erp_document_lines(json) -%}
    {{ return(adapter.dispatch('erp_document_lines', 'tallyhouse')(json)) }}
{%- endmacro %}

{% macro duckdb__erp_document_lines(json) -%}
    from_json(
        {{ json }},
        '[{"line_number": "integer", "erp_item": "varchar", "amount": "varchar"}]'
    )
{%- endmacro %}
