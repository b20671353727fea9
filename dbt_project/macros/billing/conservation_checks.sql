{#-
    The checks of fct_conservation: what stands on their two sides, in words.

    Belongs here: names, labels, and which check is the one that finance reads per invariant. A
    check by currency counts currencies in its total, since amounts of several never add up. Does
    not belong here: the figures, each of which is a CTE of one of the models that are named.
-#}

{#- All checks, or those whose figures one model computes. -#}
{% macro conservation_checks(model=none) -%}
    {%- set checks = [
        {
            'invariant': 1, 'name': 'every_line_read_is_accepted_or_rejected',
            'is_headline': true, 'counts_broken': false,
            'model': 'int_events__conserved', 'relation': 'lines_read',
            'left_label': 'lines read', 'right_label': 'accepted and rejected rows',
        },
        {
            'invariant': 2, 'name': 'accepted_events_are_unique_repeated_or_conflicting',
            'is_headline': true, 'counts_broken': false,
            'model': 'int_events__conserved', 'relation': 'accepted_events',
            'left_label': 'accepted events',
            'right_label': 'unique, repeated and conflicting events',
        },
        {
            'invariant': 3, 'name': 'unique_events_are_resolved_or_excepted',
            'is_headline': true, 'counts_broken': false,
            'model': 'int_events__conserved', 'relation': 'unique_events',
            'left_label': 'unique events', 'right_label': 'resolved and excepted events',
        },
        {
            'invariant': 3, 'name': 'unique_quantity_is_resolved_or_excepted',
            'is_headline': false, 'counts_broken': false,
            'model': 'int_quantities__conserved', 'relation': 'unique_quantities',
            'left_label': 'metered quantity', 'right_label': 'resolved and excepted quantity',
        },
        {
            'invariant': 4, 'name': 'resolved_quantity_equals_rated_quantity',
            'is_headline': true, 'counts_broken': false,
            'model': 'int_quantities__conserved', 'relation': 'rated_usage',
            'left_label': 'resolved quantity', 'right_label': 'rated and unpriced quantity',
        },
        {
            'invariant': 5, 'name': 'documents_equal_their_lines_and_lines_their_tiers',
            'is_headline': true, 'counts_broken': false,
            'model': 'int_amounts__conserved', 'relation': 'wholes_and_parts',
            'left_label': 'documents and rated lines',
            'right_label': 'documents and rated lines that equal their parts',
        },
        {
            'invariant': 5, 'name': 'line_amounts_equal_tier_amounts',
            'is_headline': false, 'counts_broken': false,
            'model': 'int_amounts__conserved', 'relation': 'line_amounts',
            'left_label': 'amount of rated lines', 'right_label': 'amount of their tiers',
            'left_total_label': 'currencies of rated lines',
            'right_total_label': 'currencies in which tiers agree',
        },
        {
            'invariant': 5, 'name': 'document_amounts_equal_line_amounts',
            'is_headline': false, 'counts_broken': false,
            'model': 'int_amounts__conserved', 'relation': 'document_amounts',
            'left_label': 'amount of documents', 'right_label': 'amount of their lines',
            'left_total_label': 'currencies of documents',
            'right_total_label': 'currencies in which lines agree',
        },
        {
            'invariant': 6, 'name': 'every_expected_charge_has_exactly_one_outcome',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_amounts__conserved', 'relation': 'expected_outcomes',
            'left_label': 'expected charges', 'right_label': 'charges with one outcome',
        },
        {
            'invariant': 6, 'name': 'rated_amount_is_billed_due_or_held',
            'is_headline': false, 'counts_broken': true,
            'model': 'int_amounts__conserved', 'relation': 'settled_amounts',
            'left_label': 'rated amount', 'right_label': 'billed, candidate and held amount',
            'left_total_label': 'currencies rated or billed',
            'right_total_label': 'currencies in which all keys agree',
        },
        {
            'invariant': 7, 'name': 'erp_documents_equal_the_register',
            'is_headline': true, 'counts_broken': true,
            'model': 'int_erp_lines__conserved', 'relation': 'erp_register_lines',
            'left_label': 'signed lines read back',
            'right_label': 'lines that the ERP holds as signed',
        },
        {
            'invariant': 7, 'name': 'erp_amounts_equal_signed_amounts',
            'is_headline': false, 'counts_broken': true,
            'model': 'int_erp_lines__conserved', 'relation': 'erp_amounts',
            'left_label': 'signed amount', 'right_label': 'amount in the ERP',
            'left_total_label': 'currencies signed',
            'right_total_label': 'currencies in which the ERP agrees',
        },
    ] -%}
    {{ return(checks | selectattr('model', 'equalto', model) | list if model else checks) }}
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
