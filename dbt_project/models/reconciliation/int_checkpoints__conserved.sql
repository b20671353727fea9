with checkpoints as (
    select * from {{ ref('fct_checkpoints') }}
    where count_variance is not null
),

variances_of_quantities as (
    select
        'billing_period' as scope_kind,
        coalesce(billing_period, 'none') as scope_id,
        count(*) as left_figure,
        count(*) filter (where is_explained) as right_figure
    from checkpoints
    where leg = 'quantities'
    group by coalesce(billing_period, 'none')
),

variances_of_amounts as (
    select
        'billing_period' as scope_kind,
        coalesce(billing_period, 'none') as scope_id,
        count(*) as left_figure,
        count(*) filter (where is_explained) as right_figure
    from checkpoints
    where leg = 'amounts'
    group by coalesce(billing_period, 'none')
),

final as (
    {{ conserved_figures('int_checkpoints__conserved') }}
)

select * from final
