{#-
    When a cell is invoiced. Belongs here: the month, and whether its time has come. Does not
    belong here: the cells themselves, which contracts make.
-#}

{#- The month 'YYYY-MM' of a cell's last day; of an advance charge, of its first active day. -#}
{% macro billing_period(billing_timing, active_from_date, cell_end_date) -%}
    case {{ billing_timing }}
        when 'advance' then {{ month_text(active_from_date) }}
        else {{ month_text('(' ~ cell_end_date ~ ' - 1)') }}
    end
{%- endmacro %}

{#-
    Whether a cell may be billed: it has ended, or begun for an advance charge, at the instant up
    to which usage is loaded. That instant is the last batch's and not a clock's, so a month of
    which nothing has arrived yet is never taken for a month without usage.
-#}
{% macro is_due(billing_timing, active_from_at, cell_end_at, known_until_at) -%}
    coalesce(
        case {{ billing_timing }} when 'advance' then {{ active_from_at }} else {{ cell_end_at }} end
        <= {{ known_until_at }},
        false
    )
{%- endmacro %}
