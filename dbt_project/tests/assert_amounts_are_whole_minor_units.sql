-- Catches an amount with more decimals than its currency has, which no ERP can book.
with rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    rated_lines.rated_line_id,
    rated_lines.amount,
    rated_lines.currency_code
from rated_lines
inner join currencies on rated_lines.currency_code = currencies.currency_code
where
    {{ scaled_integer('rated_lines.amount', 4) }}
    % {{ power_of_ten('4 - currencies.minor_unit') }} <> 0
