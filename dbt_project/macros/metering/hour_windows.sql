{#-
    Quarter hours, by which meters with windows of an hour are counted. Belongs here: which meters
    are, and the column that splits their events. Does not belong here: which hour a quarter hour
    lies in, which is the contract's zone's business (macros/rating/windows.sql).
-#}

{% macro hourly_meters(plan, aggregations) -%}
    {#- The meters of some aggregations that have windows of an hour. -#}
    {%- set meters = [] -%}
    {%- for meter in plan.meters
        if meter.window_unit == 'hour' and meter.aggregation in aggregations -%}
        {%- do meters.append(meter) -%}
    {%- endfor -%}
    {%- do return(meters) -%}
{%- endmacro %}


{% macro meter_quarters(plan, aggregations) -%}
    {#- Per meter number, the quarter hour by which its events are counted apart; none for meters
        without windows of an hour. Every zone's hours begin on quarter hours of UTC. -#}
    {%- set quarters = {} -%}
    {%- for meter in tallyhouse.hourly_meters(plan, aggregations) -%}
        {%- do quarters.update({meter.number: 'event_quarter_at'}) -%}
    {%- endfor -%}
    {%- do return(quarters) -%}
{%- endmacro %}
