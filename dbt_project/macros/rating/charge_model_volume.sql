{#-
    volume: the whole quantity at the tier that it falls in, plus that tier's flat amount.

    Tiers are (lower, upper]; zero falls in the first one. More usage may cost less: the next
    tier's price applies to all of it. A quantity beyond 38 digits is null, and in no tier zero.
-#}

{% macro volume_is_in_tier(billable, lower_bound, upper_bound) -%}
    (
        ({{ billable }} > {{ lower_bound }} or ({{ billable }} <= 0 and {{ lower_bound }} = 0))
        and ({{ upper_bound }} is null or {{ billable }} <= {{ upper_bound }})
    )
{%- endmacro %}

{% macro volume_tier_quantity(billable, lower_bound, upper_bound) -%}
    case
        when not {{ volume_is_in_tier(billable, lower_bound, upper_bound) }} then 0
        else {{ billable }}
    end
{%- endmacro %}

{% macro volume_tier_is_entered(billable, lower_bound, upper_bound, tier_number, has_quantity) -%}
    (
        {{ has_quantity }}
        and {{ volume_is_in_tier(billable, lower_bound, upper_bound) }}
    )
{%- endmacro %}
