-- Catches a candidate for a settlement key that the rating does not know: a missing
-- price or a conflict would be billed or credited by accident.
with candidate_lines as (
    select * from {{ ref('fct_invoice_candidate_lines') }}
),

rated_lines as (
    select * from {{ ref('fct_rated_lines') }}
)

select
    candidate_lines.document_id,
    candidate_lines.line_number,
    rated_lines.exception_code
from candidate_lines
inner join rated_lines
    on candidate_lines.settlement_key = rated_lines.settlement_key
where rated_lines.rating_status = 'unknown'
