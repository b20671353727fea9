{#-
    How much of what a run has used is priced.

    Belongs here: what comes off a converted quantity before its tiers (allowance, free units,
    packages on the total), and what it is divided by. Does not belong here: converting
    (conversion.sql); tiers and money (int_charge_tiers__priced).
-#}

{#- The CTEs that take what is not priced off the converted quantities of runs, given with the terms
    of their prices. The last one, run_quantities, has what is the same in every tier of a run. -#}
{% macro billable_quantities(converted) -%}
    -- Zero usage is a matter of the converted quantity of the whole cell, before free units
    -- come off; where it is charged, the first run pays for it, or each run of a ladder
    -- that restarts. Levels stand by themselves. A ladder that starts anew in its run has
    -- the run's share of its free units.
    measured as (
        select
            *,
            case
                when is_restarted then cast({{ checked(
                    prorated('free_quantity', 9, 'time_units', 'cell_units')
                    ~ ' * converted_divisor'
                ) }} as decimal(38, 9))
                else scaled_free_quantity
            end as run_free_quantity,
            {{ less_included(
                'converted_before', 'included_before', 'demanded_before', 'converted_divisor'
            ) | indent(12) }} as left_before,
            {{ less_included(
                'converted_after', 'included_after', 'demanded_up_to', 'converted_divisor'
            ) | indent(12) }} as left_after,
            converted_after = 0
            and zero_usage = 'charge'
            and (
                not is_additive
                or (
                    (ladder_run_number = 1 or not is_continued)
                    and ladder_converted = 0
                )
            ) as is_zero_charged
        from {{ converted }}
    ),

    allowed as (
        select
            *,
            converted_before <> 0 as has_before,
            converted_after <> 0 or is_zero_charged as has_after,
            {{ billable_quantity('left_before', 'run_free_quantity') }}
                as allowed_before,
            {{ billable_quantity('left_after', 'run_free_quantity') }}
                as allowed_after
        from measured
    ),

    packed as (
        select
            *,
            case
                when has_packages_on_the_total
                    then {{ scaled_integer('allowed_before', 9) }}
            end as allowed_before_units,
            case
                when has_packages_on_the_total
                    then {{ scaled_integer('allowed_after', 9) }}
            end as allowed_after_units
        from allowed
    ),

    billable as (
        select
            *,
            case
                when has_packages_on_the_total
                    then {{ checked(package_count(
                        'allowed_before_units', 'package_size_units', 'package_rounding'
                    )) }}
                else allowed_before
            end as billable_before,
            case
                when has_packages_on_the_total
                    then {{ checked(package_count(
                        'allowed_after_units', 'package_size_units', 'package_rounding'
                    )) }}
                else allowed_after
            end as billable_after
        from packed
    ),

    -- What a run adds: the ladder at its end less the ladder at its start.
    summed as (
        select
            *,
            converted_after - coalesce(converted_before, 0) as run_converted,
            billable_after - coalesce(billable_before, 0) as run_billable,
            {{ checked('cast(priced_divisor * period_length as ' ~ whole_number() ~ ')') }}
                as whole_divisor
        from billable
    ),

    -- What is the same in every tier of a run.
    run_quantities as (
        select
            *,
            {{ checked('whole_divisor * 1000000000') }} as unit_divisor,
            {{ limited_amount(checked('whole_divisor * 1000000000 * share_of_units')) }}
                as denominator,
            {{ unscaled_quantity('run_converted', 'converted_divisor * period_length') }}
                as converted_quantity,
            {{ unscaled_quantity('run_billable', 'billable_divisor * period_length') }}
                as billable_quantity
        from summed
    )
{%- endmacro %}
