{#-
    How a line says what its quantity was priced at, by charge model.

    Belongs here: the part of a line's sentence between its quantity and what comes off. Does not
    belong here: how a price reads (price_words.sql), a number or a unit (line_text.sql), the whole
    sentence (int_charge_lines__described).
-#}

{#- ' at USD 0.10 per call' or ', of which 1,000 × 0.10 + 500 × 0.08': empty for a flat fee and for a
    line without tiers. Reads the columns of a line's words in int_charge_lines__described. -#}
{% macro line_price_words() -%}
    case
        when charge_model = 'flat' or tier_count = 0 then ''
        when charge_model = 'package' and tier_count > 1
            then
                comma || ' in packages of ' || package_words || ': '
                || tier_words || coalesce(', plus ' || flat_words, '')
        when charge_model = 'package'
            then
                comma || ' in ' || {{ units_text('package_count', "'package'") }}
                || ' of ' || package_words || ' at ' || only_price_words
                || case when package_count = '1' then '' else ' each' end
                || coalesce(', plus ' || flat_words, '')
                || case
                    when run_package_count is null then ''
                    else
                        ', shared by usage: '
                        || {{ grouped_text('line_weight_text') }} || ' of '
                        || {{ counted_text('run_weight_text', 'metered') }}
                end
        when charge_model = 'stairstep' and tier_count > 1
            then coalesce(comma || ' for ' || flat_words || ' more than before', '')
        when charge_model = 'stairstep'
            then
                case
                    when upper_text is not null
                        then
                            left_words || ' in the step up to '
                            || {{ counted_text('upper_text', 'priced') }}
                    when only_lower_quantity > 0
                        then
                            left_words || ' in the step above '
                            || {{ counted_text('lower_text', 'priced') }}
                    else left_words
                end
                || coalesce(' for ' || flat_words, '')
        when charge_model = 'percentage'
            then
                case
                    when has_free_quantity
                        then ', then ' || {{ grouped_text('rated_text') }}
                    when tier_quantity <> converted_quantity
                        then ', of which ' || {{ grouped_text('rated_text') }}
                    else ''
                end
                || ' at ' || rate_words
                || coalesce(', plus ' || flat_words, '')
                || coalesce(
                    case when has_flat_amount then ' (' else ', ' end
                    || event_words
                    || case when has_flat_amount then ')' else '' end,
                    ''
                )
        when charge_model = 'dynamic' then ' at the prices of its events'
        when charge_model = 'cost_plus' then ' of cost × ' || only_price_words
        when charge_model = 'graduated_percentage' and tier_count > 1
            then
                ', of which ' || tier_words
                || coalesce(', plus ' || flat_words, '')
        when charge_model = 'graduated_percentage'
            then
                ' at ' || only_price_words
                || coalesce(', plus ' || flat_words, '')
        when tier_count > 1
            then
                case
                    when has_free_quantity then ', then '
                    when has_included then ', '
                    else ', of which '
                end
                || tier_words || per_words || coalesce(', plus ' || flat_words, '')
        when has_unit_price or not has_flat_amount
            then
                left_words || ' at ' || only_price_words || per_words
                || coalesce(', plus ' || flat_words, '')
        else left_words || ' for ' || flat_words
    end
{%- endmacro %}
