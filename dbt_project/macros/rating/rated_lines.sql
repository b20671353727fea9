{#-
    What a rated line is made of. Belongs here: the list of columns that lines of charges and lines
    of contract terms share, that of what a line has of its run, what kind of line it is. Does not
    belong here: how any of them is computed.
-#}

{#- A tier of a run that its lines have too: what was used in it, or costs something. -#}
{% macro tier_is_told() -%}
    (
        not coalesce(is_unpriced, false)
        and (
            quantity is null
            or quantity <> 0
            or flat_amount <> 0
            or amount_units <> 0
            or amount_rest <> 0
        )
    )
{%- endmacro %}

{#- What a line of a charge is for. -#}
{% macro line_kind(charge_model) -%}
    case when {{ charge_model }} = 'flat' then 'fee' else 'usage' end
{%- endmacro %}

{#- A line of a charge by its figures alone, before it is described: what it costs, of what. -#}
{% macro allocated_line_columns() -%}
    {{ return([
        'rated_line_id',
        'ladder_run_id',
        'contract_id',
        'customer_id',
        'charge_id',
        'charge_price_id',
        'currency_code',
        'is_additive',
        'dimension_key',
        'billing_period',
        'is_due',
        'cell_start_date',
        'service_start_at',
        'quantity',
        'quantity_before',
        'converted_quantity',
        'billable_quantity',
        'included_quantity',
        'period_length',
        'share_units',
        'share_of_units',
        'line_weight',
        'run_weight',
        'weighed_by',
        'minor_unit',
        'rounding_mode',
        'tier_count',
        'has_rests',
        'event_count',
        'digest_sum_1',
        'digest_sum_2',
        'first_event_at',
        'last_event_at',
    ]) }}
{%- endmacro %}

{% macro rated_line_columns() -%}
    {{ return([
        'rated_line_id',
        'settlement_key',
        'contract_id',
        'contract_lineage_id',
        'contract_version',
        'customer_id',
        'bill_to_customer_id',
        'legal_entity_id',
        'plan_id',
        'charge_id',
        'charge_name',
        'charge_model',
        'charge_price_id',
        'is_override',
        'product_id',
        'erp_item',
        'revenue_account',
        'tax_profile',
        'line_kind',
        'meter_id',
        'aggregation',
        'unit',
        'dimension_key',
        'billing_timing',
        'billing_period',
        'is_due',
        'cell_start_date',
        'cell_end_date',
        'segment_start_date',
        'segment_end_date',
        'service_start_at',
        'service_end_at',
        'quantity',
        'priced_quantity',
        'unit_label',
        'gross_amount',
        'discount_amount',
        'above_maximum_amount',
        'amount_unrounded',
        'computed_amount',
        'currency_code',
        'exception_code',
        'event_count',
        'digest_sum_1',
        'digest_sum_2',
        'first_event_at',
        'last_event_at',
        'reference_version',
        'minor_unit',
    ]) }}
{%- endmacro %}
