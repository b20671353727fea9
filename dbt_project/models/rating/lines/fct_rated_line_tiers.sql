{%- set quantities = {
    'quantity': 'decimal(38, 9)',
    'metered_quantity': 'decimal(38, 9)',
    'flat_amount': 'decimal(38, 12)',
} %}

{%- set tier_columns = [
    'tier_number',
    'lower_quantity',
    'upper_quantity',
    'quantity',
    'metered_quantity',
    'unit_price',
    'flat_amount',
] %}

-- Tiers are read again for each kind of line, so that none are kept in full.
with tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
    where {{ tier_is_told() }}
),

only_tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
    where {{ tier_is_told() }}
),

all_tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
),

runs_with_rests as (
    select * from {{ ref('int_charges__priced') }}
    where has_rests
),

lines as (
    select * from {{ ref('int_charges__rounded') }}
),

-- A run without remainders is the sum of its tiers.
stepped_tiers as (
    select
        all_tiers.*,
        {{ narrow_whole('all_tiers.amount_units') }}
        + {{ one_more_step(
            'all_tiers.ladder_run_id',
            ['all_tiers.amount_rest'],
            'all_tiers.tier_number',
            'cast(runs_with_rests.gross_units as ' ~ whole_number() ~ ') - sum('
            ~ narrow_whole('all_tiers.amount_units')
            ~ ') over (partition by all_tiers.ladder_run_id)'
        ) }} as spread_units
    from all_tiers
    inner join
        runs_with_rests
        on all_tiers.ladder_run_id = runs_with_rests.ladder_run_id
),

line_amounts as (
    select
        rated_line_id,
        ladder_run_id,
        is_additive,
        line_weight,
        run_weight,
        has_rests,
        exception_code,
        gross_amount,
        amount_unrounded,
        computed_amount,
        {{ power_of_ten('12 - minor_unit') }} as minor_step,
        coalesce(
            line_weight <> run_weight
            or (amount_unrounded <> gross_amount and gross_amount <> 0),
            false
        ) as is_partial,
        tier_count = 1 and amount_unrounded is not null as has_only_tier
    from lines
),

-- The only tier of a run has all that its only line has.
whole_lines as (
    select
        line_amounts.rated_line_id,
        {% for column in tier_columns -%}
        only_tiers.{{ column }},
        {% endfor -%}
        line_amounts.amount_unrounded,
        line_amounts.computed_amount as settled_amount,
        line_amounts.exception_code
    from line_amounts
    inner join only_tiers on line_amounts.ladder_run_id = only_tiers.ladder_run_id
    where line_amounts.has_only_tier and not line_amounts.is_partial
),

line_tiers as (
    select
        line_amounts.*,
        {% for column in tier_columns -%}
        tiers.{{ column }},
        {% endfor -%}
        {{ narrow_whole('tiers.amount_units') }} as spread_units
    from line_amounts
    inner join tiers on line_amounts.ladder_run_id = tiers.ladder_run_id
    where
        not line_amounts.has_rests
        and (not line_amounts.has_only_tier or line_amounts.is_partial)
    union all
    select
        line_amounts.*,
        {% for column in tier_columns -%}
        stepped_tiers.{{ column }},
        {% endfor -%}
        stepped_tiers.spread_units
    from line_amounts
    inner join
        stepped_tiers
        on line_amounts.ladder_run_id = stepped_tiers.ladder_run_id
    where
        (not line_amounts.has_only_tier or line_amounts.is_partial)
        and {{ tier_is_told() }}
),

-- Of lines that do not have all of their run, or do not keep all that they have of it.
partial_tiers as (
    select * from line_tiers
    where is_partial
),

-- A line has each tier of its run in the proportion that it has of the run.
tiers_to_share as (
    select
        rated_line_id,
        tier_number,
        spread_units,
        {{ scaled_integer('gross_amount', 12) }} as line_units,
        cast(line_weight as {{ whole_number() }}) as line_weight,
        cast(run_weight as {{ whole_number() }}) as run_weight,
        {{ scaled_integer('quantity', 9) }} as quantity_units,
        {{ scaled_integer('metered_quantity', 9) }} as metered_units,
        {{ scaled_integer('flat_amount', 12) }} as flat_units
    from partial_tiers
    where line_weight <> run_weight
),

{{ in_proportion(
    'tiers_to_share',
    [
        ['quantity_units', 'line_weight', 'run_weight', 'part'],
        ['metered_units', 'line_weight', 'run_weight', 'metered_part'],
        ['flat_units', 'line_weight', 'run_weight', 'flat_part'],
        ['spread_units', 'line_weight', 'run_weight', 'gross'],
    ],
    'shared_tiers'
) }},

shared_parts as (
    select
        rated_line_id,
        tier_number,
        {{ from_scaled_integer('part_units', 9) }} as quantity,
        {{ from_scaled_integer('metered_part_units', 9) }} as metered_quantity,
        {{ from_scaled_integer('flat_part_units', 12) }} as flat_amount,
        gross_units
        + {{ one_more_step(
            'rated_line_id',
            ['gross_rest'],
            'tier_number',
            'line_units - sum(gross_units) over (partition by rated_line_id)'
        ) }} as part_units
    from shared_tiers
),

parts as (
    select
        partial_tiers.rated_line_id,
        partial_tiers.tier_number,
        partial_tiers.lower_quantity,
        partial_tiers.upper_quantity,
        partial_tiers.unit_price,
        partial_tiers.exception_code,
        partial_tiers.gross_amount,
        partial_tiers.amount_unrounded,
        partial_tiers.computed_amount,
        partial_tiers.minor_step,
        {% for column, column_type in quantities.items() -%}
        cast(
            case
                when
                    shared_parts.rated_line_id is not null
                    and partial_tiers.is_additive
                    then shared_parts.{{ column }}
                else partial_tiers.{{ column }}
            end as {{ column_type }}
        ) as {{ column }},
        {% endfor -%}
        case
            when shared_parts.rated_line_id is not null then shared_parts.part_units
            else partial_tiers.spread_units
        end as part_units
    from partial_tiers
    left join shared_parts
        on
            partial_tiers.rated_line_id = shared_parts.rated_line_id
            and partial_tiers.tier_number = shared_parts.tier_number
),

-- What discounts and a maximum leave of a line is shared over its tiers.
tiers_to_reduce as (
    select
        rated_line_id,
        tier_number,
        part_units,
        {{ scaled_integer('gross_amount', 12) }} as line_units,
        {{ scaled_integer('amount_unrounded', 12) }} as line_net_units
    from parts
    where amount_unrounded <> gross_amount and gross_amount <> 0
),

{{ in_proportion(
    'tiers_to_reduce',
    [['line_net_units', 'part_units', 'line_units', 'net']],
    'reduced'
) }},

reduced_parts as (
    select
        rated_line_id,
        tier_number,
        net_units
        + {{ one_more_step(
            'rated_line_id',
            ['net_rest'],
            'tier_number',
            'line_net_units - sum(net_units) over (partition by rated_line_id)'
        ) }} as net_part_units
    from reduced
),

settling as (
    select
        rated_line_id,
        tier_number,
        lower_quantity,
        upper_quantity,
        unit_price,
        exception_code,
        amount_unrounded,
        computed_amount,
        minor_step,
        {% for column, column_type in quantities.items() -%}
        cast({{ column }} as {{ column_type }}) as {{ column }},
        {% endfor -%}
        spread_units as part_units,
        spread_units as net_part_units
    from line_tiers
    where not is_partial
    union all
    select
        parts.rated_line_id,
        parts.tier_number,
        parts.lower_quantity,
        parts.upper_quantity,
        parts.unit_price,
        parts.exception_code,
        parts.amount_unrounded,
        parts.computed_amount,
        parts.minor_step,
        {% for column in quantities -%}
        parts.{{ column }},
        {% endfor -%}
        parts.part_units,
        coalesce(reduced_parts.net_part_units, parts.part_units) as net_part_units
    from parts
    left join reduced_parts
        on
            parts.rated_line_id = reduced_parts.rated_line_id
            and parts.tier_number = reduced_parts.tier_number
),

floored as (
    select
        *,
        {{ floor_quotient('net_part_units', 'minor_step') }}
        * minor_step as floored_units,
        {{ floor_remainder('net_part_units', 'minor_step') }} as minor_rest
    from settling
),

-- Largest remainders get what rounding the line left over: the only one gets it all.
lines_with_rests as (
    select rated_line_id
    from floored
    where minor_rest <> 0
    group by rated_line_id
    having count(*) > 1
),

rounded_tiers as (
    select
        floored.*,
        {{ scaled_integer('floored.computed_amount', 4) }}
        * 100000000 as line_rounded_units
    from floored
    inner join
        lines_with_rests
        on floored.rated_line_id = lines_with_rests.rated_line_id
),

minor_steps as (
    select
        rated_line_id,
        tier_number,
        {{ one_more_step(
            'rated_line_id',
            ['minor_rest'],
            'tier_number',
            whole_quotient(
                '(line_rounded_units - sum(floored_units) over (partition by rated_line_id))',
                'minor_step'
            ),
            'minor_step'
        ) }} as step_units
    from rounded_tiers
),

settled as (
    select
        floored.*,
        floored.floored_units + case
            when minor_steps.rated_line_id is not null then minor_steps.step_units
            when floored.minor_rest = 0 then 0
            when floored.computed_amount > floored.amount_unrounded
                then floored.minor_step
            else 0
        end as settled_units
    from floored
    left join minor_steps
        on
            floored.rated_line_id = minor_steps.rated_line_id
            and floored.tier_number = minor_steps.tier_number
),

settled_tiers as (
    select * from whole_lines
    union all
    select
        rated_line_id,
        {{ tier_columns | join(',\n        ') }},
        {{ from_scaled_integer('part_units', 12) }} as amount_unrounded,
        {{ amount_of_units('settled_units') }} as settled_amount,
        exception_code
    from settled
),

final as (
    select
        {{ content_number_text('rated_line_id') }} as rated_line_id,
        {{ tier_columns | join(',\n        ') }},
        amount_unrounded,
        case when exception_code is null then settled_amount end as amount
    from settled_tiers
)

select * from final
