with lines as (
    select * from {{ ref('int_charges__quantified') }}
    where charge_model = 'dimensional'
),

charge_tiers as (
    select * from {{ ref('stg_price_book__charge_tiers') }}
),

asked as (
    select distinct
        charge_price_id,
        currency_code,
        dimension_key
    from lines
),

priced as (
    select
        asked.charge_price_id,
        asked.currency_code,
        asked.dimension_key,
        charge_tiers.tier_number,
        charge_tiers.dimension_match
    from asked
    inner join charge_tiers
        on
            asked.charge_price_id = charge_tiers.charge_price_id
            and asked.currency_code = charge_tiers.currency_code
),

wanted as (
    select
        charge_price_id,
        currency_code,
        dimension_key,
        tier_number,
        dimension_match,
        {{ each_of(json_field_names('dimension_match')) }} as dimension
    from priced
),

compared as (
    select
        charge_price_id,
        currency_code,
        dimension_key,
        tier_number,
        count(*) as wanted_count,
        count(
            case
                when
                    {{ json_field_text('dimension_key', 'dimension') }}
                    = {{ json_field_text('dimension_match', 'dimension') }}
                    then 1
            end
        ) as met_count
    from wanted
    group by charge_price_id, currency_code, dimension_key, tier_number
),

-- The default wants nothing. A cell without usage has no dimension values, and any
-- price of nothing is nothing.
fitting as (
    select
        priced.charge_price_id,
        priced.currency_code,
        priced.dimension_key,
        priced.tier_number,
        coalesce(compared.wanted_count, 0) as wanted_count
    from priced
    left join compared
        on
            priced.charge_price_id = compared.charge_price_id
            and priced.currency_code = compared.currency_code
            and priced.dimension_key = compared.dimension_key
            and priced.tier_number = compared.tier_number
    where
        compared.tier_number is null
        or compared.wanted_count = compared.met_count
        or priced.dimension_key = {{ no_dimension_values() }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by charge_price_id, currency_code, dimension_key
            order by wanted_count desc, tier_number asc
        ) as fit_number
    from fitting
),

final as (
    select
        charge_price_id,
        currency_code,
        dimension_key,
        tier_number
    from ranked
    where fit_number = 1
)

select * from final
