{{ config(materialized='view') }}

with drawn as (
    select * from {{ ref('int_credits__drawn') }}
),

restored as (
    select * from {{ ref('int_credits__restored') }}
),

final as (
    select
        document_id,
        settlement_key,
        credit_grant_id,
        currency_code,
        unit,
        'drawn' as movement_kind,
        drawn_amount as paid_amount,
        drawn_quantity as paid_quantity
    from drawn
    union all
    select
        document_id,
        settlement_key,
        credit_grant_id,
        currency_code,
        unit,
        'restored' as movement_kind,
        cast(-restored_amount as decimal(38, 4)) as paid_amount,
        cast(-restored_quantity as decimal(38, 9)) as paid_quantity
    from restored
)

select * from final
