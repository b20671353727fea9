with demanded as (
    select * from {{ ref('int_usage__demanded') }}
),

supplied as (
    select * from {{ ref('int_allowances__supplied') }}
),

term_charges as (
    select * from {{ ref('stg_price_book__term_charges') }}
),

allowances as (
    select * from supplied
    where term_kind = 'allowance'
),

-- Each is of one charge: those that are free of one charge are drawn together.
free_units as (
    select
        supplied.contract_id,
        min(supplied.term_id) as term_id,
        supplied.cell_start_date,
        cast(sum(supplied.supply_quantity) as decimal(38, 9)) as supply_quantity
    from supplied
    inner join term_charges on supplied.term_id = term_charges.term_id
    where supplied.term_kind = 'discount_free_quantity'
    group by
        supplied.contract_id,
        term_charges.charge_id,
        supplied.cell_start_date
),

ladders as (
    select distinct
        ladder_key,
        contract_id,
        charge_id,
        cell_start_date,
        customer_id,
        dimension_key,
        ladder_demand as wanted_quantity
    from demanded
),

{{ granted_units('ladders', 'allowances', 'allowed') }},

-- Free units come after the allowance.
remaining as (
    select
        ladders.ladder_key,
        ladders.contract_id,
        ladders.charge_id,
        ladders.cell_start_date,
        ladders.customer_id,
        ladders.dimension_key,
        cast(
            ladders.wanted_quantity
            - coalesce(allowed.granted_quantity, {{ zero_quantity() }})
            as decimal(38, 9)
        ) as wanted_quantity
    from ladders
    left join allowed on ladders.ladder_key = allowed.ladder_key
),

{{ granted_units('remaining', 'free_units', 'freed') }},

granted as (
    select
        demanded.*,
        coalesce(allowed.granted_quantity, {{ zero_quantity() }})
        + coalesce(freed.granted_quantity, {{ zero_quantity() }}) as granted_quantity,
        sum(demanded.demanded_quantity) over (
            partition by demanded.ladder_key
            order by demanded.ladder_run_number
            rows between unbounded preceding and current row
        ) as demanded_up_to
    from demanded
    left join allowed on demanded.ladder_key = allowed.ladder_key
    left join freed on demanded.ladder_key = freed.ladder_key
),

-- What adds up draws in the order of time; a level has its units in every run.
included as (
    select
        *,
        case
            when is_additive
                then greatest(
                    least(
                        granted_quantity - (demanded_up_to - demanded_quantity),
                        demanded_quantity
                    ),
                    {{ zero_quantity() }}
                )
            else least(granted_quantity, demanded_quantity)
        end as included_quantity
    from granted
),

final as (
    select
        ladder_run_id,
        cast(included_quantity as decimal(38, 9)) as included_quantity,
        cast(
            case
                when is_continued
                    then
                        sum(included_quantity) over (
                            partition by ladder_key
                            order by ladder_run_number
                            rows between unbounded preceding and current row
                        ) - included_quantity
                else 0
            end as decimal(38, 9)
        ) as included_before,
        cast(
            case when is_continued then demanded_up_to - demanded_quantity else 0 end
            as decimal(38, 9)
        ) as demanded_before,
        cast(
            case when is_continued then demanded_up_to else demanded_quantity end
            as decimal(38, 9)
        ) as demanded_up_to
    from included
    where granted_quantity > 0
)

select * from final
