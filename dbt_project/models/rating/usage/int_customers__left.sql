with segments as (
    select distinct
        customer_id,
        contract_id,
        segment_start_at,
        segment_end_at
    from {{ ref('int_subjects__segmented') }}
    where customer_id is not null
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

-- When a customer falls under the contract of one above it.
child_segments as (
    select distinct
        segments.customer_id,
        contracts.contract_lineage_id,
        segments.segment_start_at,
        segments.segment_end_at
    from segments
    inner join contracts on segments.contract_id = contracts.contract_id
    where segments.customer_id <> contracts.customer_id
),

-- The contract goes on, and the customer too, but no longer together.
final as (
    select distinct
        child_segments.contract_lineage_id,
        child_segments.customer_id,
        child_segments.segment_end_at as left_at
    from child_segments
    inner join contract_spans
        on
            child_segments.contract_lineage_id = contract_spans.contract_lineage_id
            and child_segments.segment_end_at >= contract_spans.span_start_at
            and child_segments.segment_end_at < contract_spans.span_end_at
    inner join segments
        on
            child_segments.customer_id = segments.customer_id
            and child_segments.segment_end_at >= segments.segment_start_at
            and child_segments.segment_end_at < segments.segment_end_at
    anti join child_segments as staying
        on
            child_segments.customer_id = staying.customer_id
            and child_segments.contract_lineage_id = staying.contract_lineage_id
            and child_segments.segment_end_at >= staying.segment_start_at
            and child_segments.segment_end_at < staying.segment_end_at
)

select * from final
