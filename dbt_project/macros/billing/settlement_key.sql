{#-
    What a settlement key is made of, and its md5.

    Belongs here: the list of parts, in order. Two amounts net only where all parts are equal;
    ids are immutable, names are labels and no part of it. Does not belong here: amounts.
-#}

{% macro settlement_key_parts() -%}
    {{ return([
        'contract_lineage_id',
        'charge_id',
        'line_kind',
        'cell_start_date',
        'cell_end_date',
        'dimension_key',
        'customer_id',
        'bill_to_customer_id',
        'legal_entity_id',
        'currency_code',
        'tax_profile',
        'erp_item',
        'revenue_account',
    ]) }}
{%- endmacro %}

{#- The parts that say which bill of a contract's cell a key is on, whatever it is charged for. -#}
{% macro bill_of_cell_parts() -%}
    {{ return([
        'contract_lineage_id',
        'cell_start_date',
        'cell_end_date',
        'bill_to_customer_id',
        'legal_entity_id',
        'currency_code',
    ]) }}
{%- endmacro %}

{% macro settlement_key() -%}
    {{ content_id(settlement_key_parts()) }}
{%- endmacro %}

{#-
    What one ladder is climbed for, and what is rounded as one amount: a settlement key without the
    parties and accounts that share it out.
-#}
{% macro ladder_key() -%}
    {{ content_number([
        'contract_lineage_id',
        'charge_id',
        line_kind('charge_model'),
        'cell_start_date',
        'cell_end_date',
        'dimension_key',
        'customer_id',
        'currency_code',
    ]) }}
{%- endmacro %}
