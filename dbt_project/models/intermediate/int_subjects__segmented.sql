with recursive identities as (
    select
        system_id,
        external_id as subject,
        customer_id,
        valid_from_at,
        coalesce(valid_to_at, {{ end_of_time() }}) as valid_to_at
    from {{ ref('stg_reference__identities') }}
),

version_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
    where meter_id is not null and contract_id is null
),

parents as (
    select * from {{ ref('int_customers__parents') }}
),

-- Whose contracts a customer's usage may fall under when: its own, then its parents'.
holders_above as (
    select distinct
        customer_id,
        customer_id as holder_id,
        0 as distance,
        {{ start_of_time() }} as held_from_at,
        {{ end_of_time() }} as held_to_at
    from identities
    union all
    select
        holders_above.customer_id,
        parents.parent_customer_id as holder_id,
        holders_above.distance + 1 as distance,
        greatest(holders_above.held_from_at, parents.valid_from_at) as held_from_at,
        least(holders_above.held_to_at, parents.valid_to_at) as held_to_at
    from holders_above
    inner join parents
        on
            holders_above.holder_id = parents.customer_id
            and holders_above.held_from_at < parents.valid_to_at
            and holders_above.held_to_at > parents.valid_from_at
),

subject_spans as (
    select
        identities.system_id,
        identities.subject,
        version_spans.contract_id,
        version_spans.contract_version,
        version_spans.plan_id,
        version_spans.time_zone,
        holders_above.distance,
        greatest(
            identities.valid_from_at,
            holders_above.held_from_at,
            version_spans.span_start_at
        ) as span_start_at,
        least(
            identities.valid_to_at, holders_above.held_to_at, version_spans.span_end_at
        ) as span_end_at
    from identities
    inner join holders_above
        on
            identities.customer_id = holders_above.customer_id
            and identities.valid_from_at < holders_above.held_to_at
            and identities.valid_to_at > holders_above.held_from_at
    inner join version_spans
        on
            holders_above.holder_id = version_spans.customer_id
            and greatest(identities.valid_from_at, holders_above.held_from_at)
            < version_spans.span_end_at
            and least(identities.valid_to_at, holders_above.held_to_at)
            > version_spans.span_start_at
    where holders_above.distance = 0 or version_spans.children <> 'none'
),

cuts as (
    select
        system_id,
        subject,
        {{ start_of_time() }} as cut_at
    from identities
    union
    select
        system_id,
        subject,
        valid_from_at as cut_at
    from identities
    union
    select
        system_id,
        subject,
        valid_to_at as cut_at
    from identities
    union
    select
        system_id,
        subject,
        span_start_at as cut_at
    from subject_spans
    union
    select
        system_id,
        subject,
        span_end_at as cut_at
    from subject_spans
),

segments as (
    select
        system_id,
        subject,
        cut_at as segment_start_at,
        coalesce(
            lead(cut_at) over (partition by system_id, subject order by cut_at),
            {{ end_of_time() }}
        ) as segment_end_at
    from cuts
    where cut_at < {{ end_of_time() }}
),

holders as (
    select
        segments.system_id,
        segments.subject,
        segments.segment_start_at,
        segments.segment_end_at,
        count(distinct identities.customer_id) as customer_count,
        min(identities.customer_id) as customer_id
    from segments
    left join identities
        on
            segments.system_id = identities.system_id
            and segments.subject = identities.subject
            and segments.segment_start_at >= identities.valid_from_at
            and segments.segment_start_at < identities.valid_to_at
    group by
        segments.system_id,
        segments.subject,
        segments.segment_start_at,
        segments.segment_end_at
),

contract_holders as (
    select
        holders.system_id,
        holders.subject,
        holders.segment_start_at,
        holders.segment_end_at,
        holders.customer_id,
        subject_spans.contract_id,
        subject_spans.contract_version,
        subject_spans.plan_id,
        subject_spans.time_zone,
        subject_spans.distance,
        min(subject_spans.distance) over (
            partition by holders.system_id, holders.subject, holders.segment_start_at
        ) as least_distance
    from holders
    inner join subject_spans
        on
            holders.system_id = subject_spans.system_id
            and holders.subject = subject_spans.subject
            and holders.segment_start_at >= subject_spans.span_start_at
            and holders.segment_start_at < subject_spans.span_end_at
    where holders.customer_count = 1
),

-- The nearest contract counts: a child with one of its own is not billed to its parent.
active_spans as (
    select
        *,
        count(*) over (
            partition by system_id, subject, segment_start_at
        ) as active_count,
        row_number() over (
            partition by system_id, subject, segment_start_at
            order by contract_id, contract_version
        ) as active_number
    from contract_holders
    where distance = least_distance
),

-- Whatever no row below names: the only contract, or the first of several.
every_meter as (
    select
        holders.system_id,
        holders.subject,
        holders.segment_start_at,
        holders.segment_end_at,
        {{ every_meter() }} as meter_id,
        case
            when holders.customer_count = 1 then holders.customer_id
        end as customer_id,
        active_spans.contract_id,
        active_spans.contract_version,
        coalesce(active_spans.time_zone, 'UTC') as time_zone,
        case
            when holders.customer_count = 0 then 'unmapped_subject'
            when holders.customer_count > 1 then 'ambiguous_identity'
            when active_spans.contract_id is null then 'no_contract'
        end as resolution_code
    from holders
    left join active_spans
        on
            holders.system_id = active_spans.system_id
            and holders.subject = active_spans.subject
            and holders.segment_start_at = active_spans.segment_start_at
            and active_spans.active_number = 1
),

charged_meters as (
    select distinct
        active_spans.system_id,
        active_spans.subject,
        active_spans.segment_start_at,
        active_spans.segment_end_at,
        active_spans.customer_id,
        charges.meter_id,
        active_spans.contract_id,
        active_spans.contract_version,
        active_spans.time_zone,
        active_spans.active_number
    from active_spans
    inner join charges on active_spans.plan_id = charges.plan_id
    where active_spans.active_count > 1
),

-- Several contracts at once: each meter belongs to the one whose plan charges it.
own_meters as (
    select
        system_id,
        subject,
        segment_start_at,
        segment_end_at,
        meter_id,
        customer_id,
        case when count(*) = 1 then min(contract_id) end as contract_id,
        case when count(*) = 1 then min(contract_version) end as contract_version,
        min_by(time_zone, active_number) as time_zone,
        case when count(*) > 1 then 'ambiguous_contract' end as resolution_code
    from charged_meters
    group by
        system_id,
        subject,
        segment_start_at,
        segment_end_at,
        meter_id,
        customer_id
),

final as (
    select * from every_meter
    union all
    select * from own_meters
)

select * from final
