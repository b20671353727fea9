{#-
    percentage: rate × amount + fixed amount × valued events.

    The rate stands as the tier's unit price and the fixed amount as its flat amount, which is due
    once per event that has a value. Negative amounts mirror positive ones; the fixed amount does
    not, it is for the work of an event.

    With free events, a free amount, or a minimum or maximum per event, each event is priced, in
    the order of time within the cell. An event that pays costs rate × paying amount + fixed
    amount, raised to the minimum, then lowered to the maximum: three tiers, of events that neither
    bound touches, of those raised and of those lowered.
-#}

{% macro percentage_tier_quantity(billable, lower_bound, upper_bound) -%}
    {{ billable }}
{%- endmacro %}

{% macro percentage_tier_is_entered(
    billable, lower_bound, upper_bound, tier_number, has_quantity
) -%}
    {{ has_quantity }}
{%- endmacro %}

{#- How often the fixed amount is due: for each event that has a value, also where its amount is
    zero. -#}
{% macro percentage_flat_count(valued_event_count) -%}
    {{ valued_event_count }}
{%- endmacro %}

{#- What an event pays its rate on: what of its amount lies beyond the free one. All scaled by the
    conversion's divisor; null beyond 38 digits, and free there. -#}
{% macro percentage_paying_quantity(
    quantity, quantity_after, free_amount, scaled_free_amount
) -%}
    cast(
        case
            when {{ quantity }} is null or {{ quantity_after }} is null then null
            when {{ free_amount }} is null then {{ quantity }}
            when {{ scaled_free_amount }} is null then 0
            else greatest(0, least({{ quantity }}, {{ quantity_after }} - {{ scaled_free_amount }}))
        end as decimal(38, 9)
    )
{%- endmacro %}

{#- Whether an event pays at all: it is none of the free ones, and something lies beyond the free
    amount. -#}
{% macro percentage_event_pays(event_number, free_events, paying_quantity, free_amount) -%}
    case
        when {{ free_events }} is not null then {{ event_number }} > {{ free_events }}
        when {{ free_amount }} is not null then {{ paying_quantity }} > 0
        else true
    end
{%- endmacro %}

{#- Which bound an event's fee comes to: 'minimum', 'maximum', or null for neither. Bounds are whole
    units, so a fee lies below one when its whole part does. -#}
{% macro percentage_event_bound(fee_units, has_rest, minimum_units, maximum_units) -%}
    case
        when {{ fee_units }} < {{ minimum_units }} then 'minimum'
        when {{ fee_units }} > {{ maximum_units }} then 'maximum'
        when {{ fee_units }} = {{ maximum_units }} and {{ has_rest }} then 'maximum'
    end
{%- endmacro %}
