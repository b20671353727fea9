with tiers as (
    select * from {{ ref('int_charge_tiers__priced') }}
),

ladder_runs as (
    select * from {{ ref('int_charges__priced') }}
),

lines as (
    select * from {{ ref('int_charges__allocated') }}
),

rounded as (
    select * from {{ ref('int_charges__rounded') }}
),

used as (
    select
        tiers.ladder_run_id,
        tiers.tier_number,
        tiers.lower_quantity,
        tiers.upper_quantity,
        tiers.quantity,
        tiers.metered_quantity,
        tiers.unit_price,
        tiers.flat_amount,
        cast(tiers.amount_units as {{ whole_number() }}) as tier_units,
        tiers.amount_rest,
        cast(ladder_runs.gross_units as {{ whole_number() }}) as run_units
    from tiers
    inner join ladder_runs on tiers.ladder_run_id = ladder_runs.ladder_run_id
    where
        not coalesce(tiers.is_unpriced, false)
        and (
            tiers.quantity is null
            or tiers.quantity <> 0
            or tiers.flat_amount <> 0
            or tiers.amount_units <> 0
            or tiers.amount_rest <> 0
        )
),

run_tiers as (
    select
        *,
        tier_units
        + {{ one_more_step(
            'ladder_run_id',
            ['amount_rest'],
            'tier_number',
            'run_units - sum(tier_units) over (partition by ladder_run_id)'
        ) }} as spread_units
    from used
),

line_amounts as (
    select
        lines.rated_line_id,
        lines.ladder_run_id,
        lines.is_additive,
        rounded.exception_code,
        cast(lines.gross_units as {{ whole_number() }}) as line_units,
        {{ scaled_integer('rounded.amount_unrounded', 12) }} as line_net_units,
        {{ scaled_integer('rounded.computed_amount', 4) }}
        * 100000000 as line_rounded_units,
        {{ power_of_ten('12 - rounded.minor_unit') }} as minor_step,
        cast(lines.line_weight as {{ whole_number() }}) as line_weight,
        cast(lines.run_weight as {{ whole_number() }}) as run_weight
    from lines
    inner join rounded on lines.rated_line_id = rounded.rated_line_id
),

-- A line has each tier of its run in the proportion that it has of the run.
line_tiers as (
    select
        lines.*,
        run_tiers.tier_number,
        run_tiers.lower_quantity,
        run_tiers.upper_quantity,
        run_tiers.quantity,
        run_tiers.metered_quantity,
        run_tiers.unit_price,
        run_tiers.flat_amount,
        run_tiers.spread_units
    from line_amounts as lines
    inner join run_tiers on lines.ladder_run_id = run_tiers.ladder_run_id
),

tiers_to_share as (
    select
        *,
        {{ scaled_integer('quantity', 9) }} as quantity_units,
        {{ scaled_integer('metered_quantity', 9) }} as metered_units,
        {{ scaled_integer('flat_amount', 12) }} as flat_units
    from line_tiers
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

parts as (
    select
        line_tiers.*,
        case
            when shared_tiers.rated_line_id is null or not line_tiers.is_additive
                then line_tiers.quantity
            else {{ from_scaled_integer('shared_tiers.part_units', 9) }}
        end as line_quantity,
        case
            when shared_tiers.rated_line_id is null or not line_tiers.is_additive
                then line_tiers.metered_quantity
            else {{ from_scaled_integer('shared_tiers.metered_part_units', 9) }}
        end as line_metered_quantity,
        case
            when shared_tiers.rated_line_id is null or not line_tiers.is_additive
                then line_tiers.flat_amount
            else {{ from_scaled_integer('shared_tiers.flat_part_units', 12) }}
        end as line_flat_amount,
        coalesce(shared_tiers.gross_units, line_tiers.spread_units) as gross_units,
        coalesce(shared_tiers.gross_rest, 0) as gross_rest
    from line_tiers
    left join shared_tiers
        on
            line_tiers.rated_line_id = shared_tiers.rated_line_id
            and line_tiers.tier_number = shared_tiers.tier_number
),

spread as (
    select
        *,
        gross_units
        + {{ one_more_step(
            'rated_line_id',
            ['gross_rest'],
            'tier_number',
            'line_units - sum(gross_units) over (partition by rated_line_id)'
        ) }} as part_units
    from parts
),

-- What discounts and a maximum leave of a line is shared over its tiers.
tiers_to_reduce as (
    select
        rated_line_id,
        tier_number,
        line_units,
        line_net_units,
        part_units
    from spread
    where line_net_units <> line_units and line_units <> 0
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

left_parts as (
    select
        spread.*,
        coalesce(reduced_parts.net_part_units, spread.part_units) as net_part_units
    from spread
    left join reduced_parts
        on
            spread.rated_line_id = reduced_parts.rated_line_id
            and spread.tier_number = reduced_parts.tier_number
),

floored as (
    select
        *,
        {{ floor_quotient('net_part_units', 'minor_step') }}
        * minor_step as floored_units,
        {{ floor_remainder('net_part_units', 'minor_step') }} as minor_rest
    from left_parts
),

settled as (
    select
        *,
        floored_units
        + {{ one_more_step(
            'rated_line_id',
            ['minor_rest'],
            'tier_number',
            whole_quotient(
                '(line_rounded_units - sum(floored_units) over (partition by rated_line_id))',
                'minor_step'
            ),
            'minor_step'
        ) }} as settled_units
    from floored
),

final as (
    select
        rated_line_id,
        tier_number,
        lower_quantity,
        upper_quantity,
        cast(line_quantity as decimal(38, 9)) as quantity,
        cast(line_metered_quantity as decimal(38, 9)) as metered_quantity,
        unit_price,
        cast(line_flat_amount as decimal(38, 12)) as flat_amount,
        {{ from_scaled_integer('part_units', 12) }} as amount_unrounded,
        case
            when exception_code is null
                then
                    {{ from_scaled_integer(
                        narrow_quotient('settled_units', '100000000'), 4
                    ) }}
        end as amount
    from settled
)

select * from final
