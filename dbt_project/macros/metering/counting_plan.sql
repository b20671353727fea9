{#-
    Meters are data. Belongs here: turning their definitions into the columns by which one scan of
    the events counts them all. Does not belong here: the scan (macros/metering/counting.sql).

    An event of a meter's types counts when all its filters hold. Dimensions and quantities are
    taken from the property columns of the raw events: q_<property> numbers, d_<property> texts;
    a column that no file has is null.
-#}

{% macro price_book_meters() -%}
    {#- The meters of the price book as mappings, in order of their ids. -#}
    {%- set sql -%}
        select
            meter_id,
            aggregation,
            is_negative_allowed,
            distinct_property,
            operation_property,
            window_unit,
            keeps_each_event,
            {{ tallyhouse.json_text_of('operation_add') }} as operation_add,
            {{ tallyhouse.json_text_of('operation_remove') }} as operation_remove,
            {{ tallyhouse.json_text_of('event_types') }} as event_types,
            {{ tallyhouse.json_text_of(
                'cast(value_factors as struct(property varchar, minimum varchar, maximum varchar, '
                ~ 'round_up_to varchar)[])'
            ) }} as value_factors,
            {{ tallyhouse.json_text_of('filters') }} as filters,
            {{ tallyhouse.json_text_of('dimensions') }} as dimensions
        from {{ ref('stg_price_book__meters') }}
        order by meter_id
    {%- endset -%}
    {%- set meters = [] -%}
    {%- for row in tallyhouse.rows_of(sql) -%}
        {%- do meters.append({
            'meter_id': row.meter_id,
            'aggregation': row.aggregation,
            'is_negative_allowed': row.is_negative_allowed,
            'distinct_property': row.distinct_property,
            'operation_property': row.operation_property,
            'window_unit': row.window_unit,
            'keeps_each_event': row.keeps_each_event,
            'operation_add': fromjson(row.operation_add or '[]'),
            'operation_remove': fromjson(row.operation_remove or '[]'),
            'event_types': fromjson(row.event_types),
            'value_factors': fromjson(row.value_factors),
            'filters': fromjson(row.filters),
            'dimensions': fromjson(row.dimensions),
        }) -%}
    {%- endfor -%}
    {%- do return(meters) -%}
{%- endmacro %}


{% macro counting_plan(meters, columns) -%}
    {#- What one scan has to compute so that every meter can be counted, as a mapping:

        dimensions   name, expression: the text of a property that some meter splits by
        conditions   name, expression: whether a filter of some meter holds
        quantities   name, parts (name, expression; the last one is the quantity), and which
                     aggregations some meter has, 'negative' where one allows none
        operations   name, expression: whether an event adds its value, for meters that have
                     removals too
        meters       number (from 1), meter_id, aggregation, event_types, window_unit, and the
                     names of its dimensions (property, name), conditions, quantity and operation

        Properties, filters and quantities that several meters share are computed once. -#}
    {%- set plan = {
        'dimensions': {}, 'conditions': {}, 'quantities': {}, 'operations': {}, 'meters': []
    } -%}
    {%- for meter in meters -%}
        {%- set planned = {
            'number': loop.index,
            'meter_id': meter.meter_id,
            'aggregation': meter.aggregation,
            'event_types': meter.event_types,
            'window_unit': meter.window_unit,
            'may_be_negative': tallyhouse.may_be_negative(meter),
            'dimensions': [],
            'conditions': [],
            'quantity': none,
            'operation': none,
        } -%}
        {%- for property in meter.dimensions | sort -%}
            {%- set entry = tallyhouse.planned_entry(plan.dimensions, property, 'dimension', meter) -%}
            {%- do entry.update({'property': property}) -%}
            {%- do planned.dimensions.append({'property': property, 'name': entry.name}) -%}
        {%- endfor -%}
        {%- for filter in meter.filters -%}
            {%- set entry = tallyhouse.planned_entry(plan.conditions, tojson(filter), 'condition', meter) -%}
            {%- do entry.update({'filter': filter}) -%}
            {%- do planned.conditions.append(entry.name) -%}
        {%- endfor -%}
        {%- if meter.aggregation != 'count' -%}
            {%- set key = tojson([
                meter.value_factors, meter.distinct_property, tallyhouse.operation_filter(meter)
            ]) -%}
            {%- set entry = tallyhouse.planned_entry(plan.quantities, key, 'quantity', meter) -%}
            {%- do entry.update({
                'factors': meter.value_factors,
                'distinct_property': meter.distinct_property,
                'operation': tallyhouse.operation_filter(meter),
            }) -%}
            {%- do entry.aggregates.append(meter.aggregation) -%}
            {%- if not tallyhouse.may_be_negative(meter) -%}
                {%- do entry.aggregates.append('negative') -%}
            {%- endif -%}
            {%- do planned.update({'quantity': entry.name}) -%}
        {%- endif -%}
        {%- if meter.operation_property -%}
            {%- set added = {
                'property': meter.operation_property, 'values': meter.operation_add,
                'is_negated': false,
            } -%}
            {%- set entry = tallyhouse.planned_entry(plan.operations, tojson(added), 'operation', meter) -%}
            {%- do entry.update({'filter': added}) -%}
            {%- do planned.update({'operation': entry.name}) -%}
        {%- endif -%}
        {%- do plan.meters.append(planned) -%}
    {%- endfor -%}
    {%- for entry in plan.dimensions.values() -%}
        {%- do entry.update({'expression': tallyhouse.property_text(entry.property, columns)}) -%}
    {%- endfor -%}
    {%- for entry in plan.conditions.values() | list + plan.operations.values() | list -%}
        {%- do entry.update({'expression': tallyhouse.filter_condition(entry.filter, columns)}) -%}
    {%- endfor -%}
    {%- for entry in plan.quantities.values() -%}
        {%- do entry.update({'parts': tallyhouse.quantity_parts(entry, columns)}) -%}
    {%- endfor -%}
    {%- do return({
        'dimensions': plan.dimensions.values() | list,
        'conditions': plan.conditions.values() | list,
        'quantities': plan.quantities.values() | list,
        'operations': plan.operations.values() | list,
        'meters': plan.meters,
    }) -%}
{%- endmacro %}


{% macro operation_filter(meter) -%}
    {#- The filter that passes events which add or remove a value; none where every event adds. -#}
    {%- if not meter.operation_property -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- do return({
        'property': meter.operation_property,
        'values': meter.operation_add + meter.operation_remove,
        'is_negated': false,
    }) -%}
{%- endmacro %}


{% macro may_be_negative(meter) -%}
    {#- Whether no event of a meter is at fault for being negative. -#}
    {%- do return(
        meter.is_negative_allowed or meter.aggregation in ('count', 'unique_count')
    ) -%}
{%- endmacro %}


{% macro planned_entry(entries, key, kind, meter) -%}
    {#- The entry of a key, made where it is missing, that now serves the meter's event types too. -#}
    {%- if key not in entries -%}
        {%- do entries.update({key: {
            'name': kind ~ '_' ~ (entries | length + 1), 'event_types': [], 'aggregates': []
        }}) -%}
    {%- endif -%}
    {%- for event_type in meter.event_types if event_type not in entries[key].event_types -%}
        {%- do entries[key].event_types.append(event_type) -%}
    {%- endfor -%}
    {%- do return(entries[key]) -%}
{%- endmacro %}


{% macro text_literal(text) -%}
    {{- "'" ~ text.replace("'", "''") ~ "'" -}}
{%- endmacro %}


{% macro text_literals(texts) -%}
    {%- for text in texts -%}
        {{- tallyhouse.text_literal(text) ~ (', ' if not loop.last) -}}
    {%- endfor -%}
{%- endmacro %}


{% macro property_column(kind, property) -%}
    {#- The raw events' column of a property: kind q for numbers, d for texts and truth values. -#}
    {{- kind ~ '_' ~ property.replace('.', '__') -}}
{%- endmacro %}


{% macro property_text(property, columns) -%}
    {#- A property as text, numbers without trailing zeros; null where no file has it. -#}
    {%- set text_column = tallyhouse.property_column('d', property) -%}
    {%- set number_column = tallyhouse.property_column('q', property) -%}
    {%- if text_column in columns and number_column in columns -%}
        coalesce({{ text_column }}, {{ tallyhouse.decimal_text(number_column) }})
    {%- elif text_column in columns -%}
        {{ text_column }}
    {%- elif number_column in columns -%}
        {{ tallyhouse.decimal_text(number_column) }}
    {%- else -%}
        cast(null as varchar)
    {%- endif -%}
{%- endmacro %}


{% macro filter_condition(filter, columns) -%}
    {#- Whether a property has one of the filter's values, or none of them where it is negated; a
        missing property has none. Numbers compare as numbers. -#}
    {%- set text_column = tallyhouse.property_column('d', filter.property) -%}
    {%- set number_column = tallyhouse.property_column('q', filter.property) -%}
    {%- set tests = [] -%}
    {%- set numbers = [] -%}
    {%- for value in filter['values'] if modules.re.fullmatch('-?[0-9]{1,29}([.][0-9]{1,9})?', value) -%}
        {%- do numbers.append("cast('" ~ value ~ "' as decimal(38, 9))") -%}
    {%- endfor -%}
    {%- if text_column in columns and filter['values'] -%}
        {%- do tests.append(text_column ~ ' in (' ~ tallyhouse.text_literals(filter['values']) ~ ')') -%}
    {%- endif -%}
    {%- if number_column in columns and numbers -%}
        {%- do tests.append(number_column ~ ' in (' ~ numbers | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- if tests -%}
        {{ 'not ' if filter.is_negated }}coalesce({{ tests | join(' or ') }}, false)
    {%- else -%}
        {{ 'true' if filter.is_negated else 'false' }}
    {%- endif -%}
{%- endmacro %}


{% macro quantity_limit() -%}
    {#- A quantity beyond this counts as none: sums over 10^10 such events still fit decimal(38, 9),
        so that one absurd event never stops the rest. -#}
    {{- '1000000000000000000' -}}
{%- endmacro %}


{% macro quantity_parts(quantity, columns) -%}
    {#- The columns that lead to an event's quantity, each a name and an expression over the ones
        before it; the last one bears the quantity's name.

        Products keep up to 18 decimals on the way and end with nine. From the third factor on, one
        that does not fit with that many decimals is tried with nine, where that loses nothing. A
        factor that is missing or beyond the limit, and a product beyond it, make the quantity null. The distinct property of a unique_count is its text, null where its operation is unknown. -#}
    {%- set of_these_types = 'event_type in (' ~ tallyhouse.text_literals(quantity.event_types) ~ ')' -%}
    {%- if quantity.distinct_property -%}
        {%- do return([{
            'name': quantity.name,
            'expression': 'case when ' ~ of_these_types
                ~ (' and ' ~ tallyhouse.filter_condition(quantity.operation, columns)
                    if quantity.operation else '') ~ ' then '
                ~ tallyhouse.property_text(quantity.distinct_property, columns) ~ ' end',
        }]) -%}
    {%- endif -%}
    {%- set factors = [] -%}
    {%- for factor in quantity.factors -%}
        {%- do factors.append(tallyhouse.factor_value(factor, of_these_types, columns)) -%}
    {%- endfor -%}
    {%- if factors | length == 1 -%}
        {%- do return([{'name': quantity.name, 'expression': factors[0]}]) -%}
    {%- endif -%}
    {%- set parts = [{'name': quantity.name ~ '_part_1', 'expression': factors[0]}] -%}
    {%- for factor in factors[1:] -%}
        {%- set before = parts[-1].name -%}
        {%- set scale = 9 if loop.last else 18 -%}
        {%- set product = tallyhouse.multiply(before, factor, scale) -%}
        {%- if not loop.first -%}
            {%- set shorter = 'cast(' ~ before ~ ' as decimal(38, 9))' -%}
            {%- set product = 'case when ' ~ before ~ ' is not null then coalesce(' ~ product
                ~ ', case when ' ~ shorter ~ ' = ' ~ before
                ~ ' then ' ~ tallyhouse.multiply(shorter, factor, scale) ~ ' end) end' -%}
        {%- endif -%}
        {%- do parts.append({
            'name': quantity.name ~ '_part_' ~ (loop.index + 1), 'expression': product
        }) -%}
    {%- endfor -%}
    {%- do parts.append({
        'name': quantity.name,
        'expression': 'case when ' ~ parts[-1].name ~ ' between -'
            ~ tallyhouse.decimal_literal(tallyhouse.quantity_limit()) ~ ' and '
            ~ tallyhouse.decimal_literal(tallyhouse.quantity_limit())
            ~ ' then ' ~ parts[-1].name ~ ' end',
    }) -%}
    {%- do return(parts) -%}
{%- endmacro %}


{% macro factor_value(factor, of_these_types, columns) -%}
    {#- One factor of a quantity: raised to its step, then held between minimum and maximum. The case
        lets only usable numbers through: greatest() and least() would skip a null. -#}
    {%- set column = tallyhouse.property_column('q', factor.property) -%}
    {%- if column not in columns -%}
        {%- do return(tallyhouse.no_quantity()) -%}
    {%- endif -%}
    {%- set bounded = {'value': column} -%}
    {%- if factor.round_up_to is not none -%}
        {%- do bounded.update({
            'value': tallyhouse.raise_to_step(column, tallyhouse.decimal_literal(factor.round_up_to))
        }) -%}
    {%- endif -%}
    {%- if factor.minimum is not none -%}
        {%- do bounded.update({
            'value': 'greatest(' ~ bounded.value ~ ', ' ~ tallyhouse.decimal_literal(factor.minimum) ~ ')'
        }) -%}
    {%- endif -%}
    {%- if factor.maximum is not none -%}
        {%- do bounded.update({
            'value': 'least(' ~ bounded.value ~ ', ' ~ tallyhouse.decimal_literal(factor.maximum) ~ ')'
        }) -%}
    {%- endif -%}
    {%- do return(
        'case when ' ~ of_these_types ~ ' and ' ~ column ~ ' between '
        ~ tallyhouse.decimal_literal('-' ~ tallyhouse.quantity_limit()) ~ ' and '
        ~ tallyhouse.decimal_literal(tallyhouse.quantity_limit())
        ~ ' then ' ~ bounded.value ~ ' end'
    ) -%}
{%- endmacro %}


{% macro decimal_literal(text) -%}
    {{- "cast('" ~ text ~ "' as decimal(38, 9))" -}}
{%- endmacro %}
