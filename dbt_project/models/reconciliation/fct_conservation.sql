with events_conserved as (
    select * from {{ ref('int_events__conserved') }}
),

quantities_conserved as (
    select * from {{ ref('int_quantities__conserved') }}
),

amounts_conserved as (
    select * from {{ ref('int_amounts__conserved') }}
),

erp_lines_conserved as (
    select * from {{ ref('int_erp_lines__conserved') }}
),

checkpoints_conserved as (
    select * from {{ ref('int_checkpoints__conserved') }}
),

figures as (
    select * from events_conserved
    union all
    select * from quantities_conserved
    union all
    select * from amounts_conserved
    union all
    select * from erp_lines_conserved
    union all
    select * from checkpoints_conserved
),

-- A check about nothing holds: its row still says so.
checks as (
    {% for check in conservation_checks() -%}
    select
        {{ check.invariant }} as invariant_number,
        '{{ check.name }}' as check_name,
        {{ check.is_headline | lower }} as is_headline,
        '{{ check.total_unit }}' as total_unit,
        {{ 'true' if check.left_total_label else 'false' }} as is_by_unit,
        '{{ check.left_label }}' as left_label,
        '{{ check.right_label }}' as right_label,
        '{{ check.left_total_label or check.left_label }}' as left_total_label,
        '{{ check.right_total_label or check.right_label }}' as right_total_label,
        '{{ check.what_to_do }}' as what_to_do
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

totals as (
    select
        checks.check_name,
        'all' as scope_kind,
        'all' as scope_id,
        checks.total_unit as unit,
        cast(null as varchar) as first_billing_period,
        case
            when checks.is_by_unit then count(figures.scope_id)
            else coalesce(sum(figures.left_figure), 0)
        end as left_figure,
        case
            when checks.is_by_unit
                then
                    count(figures.scope_id) filter (
                        where
                        figures.left_figure = figures.right_figure
                        and figures.broken_count = 0
                    )
            else coalesce(sum(figures.right_figure), 0)
        end as right_figure,
        coalesce(
            sum(
                figures.broken_count
                + case
                    when figures.left_figure <> figures.right_figure then 1
                    else 0
                end
            ),
            0
        ) as broken_count
    from checks
    left join figures on checks.check_name = figures.check_name
    group by checks.check_name, checks.total_unit, checks.is_by_unit
),

all_figures as (
    select * from totals
    union all
    select * from figures
),

final as (
    select
        checks.invariant_number,
        checks.check_name,
        checks.is_headline,
        all_figures.scope_kind,
        all_figures.scope_id,
        all_figures.unit,
        all_figures.first_billing_period,
        case
            when all_figures.scope_kind = 'all' then checks.left_total_label
            else checks.left_label
        end as left_label,
        cast(all_figures.left_figure as decimal(38, 9)) as left_figure,
        case
            when all_figures.scope_kind = 'all' then checks.right_total_label
            else checks.right_label
        end as right_label,
        cast(all_figures.right_figure as decimal(38, 9)) as right_figure,
        cast(all_figures.left_figure - all_figures.right_figure as decimal(38, 9))
            as difference,
        all_figures.left_figure = all_figures.right_figure
        and all_figures.broken_count = 0
            as is_held,
        checks.what_to_do
    from all_figures
    inner join checks on all_figures.check_name = checks.check_name
)

select * from final
