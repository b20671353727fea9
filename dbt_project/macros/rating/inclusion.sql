{#-
    Units that cost nothing because a contract term includes them. Belongs here: giving what a term
    has to the ladders that may draw from it. Does not belong here: how much a term has.
-#}

{#- The CTEs that give the supply of each term (contract_id, term_id, cell_start_date,
    supply_quantity) to ladders (ladder_key, contract_id, charge_id, cell_start_date, customer_id,
    dimension_key, wanted_quantity), in the order of its charges, then by dimension values and
    customer. The last one has ladder_key and granted_quantity. -#}
{% macro granted_units(ladders, supplies, granted) -%}
    {{ granted }}_wanted as (
        select
            {{ ladders }}.ladder_key,
            {{ ladders }}.wanted_quantity,
            {{ supplies }}.supply_quantity,
            sum({{ ladders }}.wanted_quantity) over (
                partition by
                    {{ supplies }}.contract_id,
                    {{ supplies }}.term_id,
                    {{ supplies }}.cell_start_date
                order by
                    term_charges.charge_number,
                    {{ ladders }}.dimension_key,
                    {{ ladders }}.customer_id,
                    {{ ladders }}.ladder_key
                rows between unbounded preceding and current row
            ) as wanted_up_to
        from {{ ladders }}
        inner join term_charges on {{ ladders }}.charge_id = term_charges.charge_id
        inner join {{ supplies }}
            on
                term_charges.term_id = {{ supplies }}.term_id
                and {{ ladders }}.contract_id = {{ supplies }}.contract_id
                and {{ ladders }}.cell_start_date = {{ supplies }}.cell_start_date
    ),

    {{ granted }} as (
        select
            ladder_key,
            cast(
                least(
                    sum(
                        greatest(
                            least(
                                supply_quantity - (wanted_up_to - wanted_quantity),
                                wanted_quantity
                            ),
                            {{ tallyhouse.zero_quantity() }}
                        )
                    ),
                    max(wanted_quantity)
                ) as decimal(38, 9)
            ) as granted_quantity
        from {{ granted }}_wanted
        group by ladder_key
    )
{%- endmacro %}

{#- What is left of a converted quantity after included units, both scaled by the divisor. Where all
    of it is included nothing is left, however it was rounded to be counted. -#}
{% macro less_included(converted, included, demanded, divisor) -%}
    case
        when {{ included }} is null or {{ converted }} <= 0 then {{ converted }}
        when {{ included }} >= {{ demanded }} then {{ tallyhouse.zero_quantity() }}
        else greatest(
            {{ checked('cast(' ~ converted ~ ' - ' ~ included ~ ' * ' ~ divisor
                ~ ' as decimal(38, 9))') }},
            {{ tallyhouse.zero_quantity() }}
        )
    end
{%- endmacro %}
