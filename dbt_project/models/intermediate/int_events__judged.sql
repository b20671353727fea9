with events as (
    select * from {{ ref('int_events__revisited') }}
),

decisions as (
    select * from {{ ref('int_event_decisions__standing') }}
),

-- Rows of one identity with one content share a number; a shared hash is not enough.
numbered as (
    select
        *,
        {{ content_digest('digest_1', 'digest_2') }} as content_digest,
        dense_rank() over (
            partition by event_source, event_id
            order by
                digest_1,
                digest_2,
                event_type,
                subject,
                event_at,
                event_at_nanos,
                content_text
        ) as content_number
    from events
),

placed as (
    select
        *,
        row_number() over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as occurrence_number,
        count(*) over (
            partition by event_source, event_id, content_number
        ) as occurrence_count,
        first_value(ingestion_batch_id) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_ingestion_batch_id,
        first_value(file_id) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_file_id,
        first_value(line_number) over (
            partition by event_source, event_id, content_number
            order by ingestion_batch_id, file_id, line_number
        ) as first_line_number
    from numbered
),

contents as (
    select
        placed.event_source,
        placed.event_id,
        placed.content_digest,
        placed.ingestion_batch_id,
        row_number() over (
            partition by placed.event_source, placed.event_id
            order by placed.ingestion_batch_id, placed.file_id, placed.line_number
        ) as arrival_number,
        decisions.decision,
        decisions.content_digest as decided_digest,
        decisions.ingestion_batch_id as decided_by_batch_id,
        decisions.decision <> 'restore'
        and not {{ has_item('decisions.known_digests', 'placed.content_digest') }}
            as is_unknown
    from placed
    left join decisions
        on
            placed.event_source = decisions.event_source
            and placed.event_id = decisions.event_id
    where placed.occurrence_number = 1
),

-- The batch that brought the second content made a conflict of both; after a decision,
-- the batch that brought the first content which it did not know.
identities as (
    select
        event_source,
        event_id,
        max(decision) as decision,
        max(decided_digest) as decided_digest,
        max(decided_by_batch_id) as decided_by_batch_id,
        count(*) as content_count,
        count(distinct content_digest) as digest_count,
        min(
            case when arrival_number = 2 then ingestion_batch_id end
        ) as second_batch_id,
        min(case when is_unknown then ingestion_batch_id end) as unknown_batch_id
    from contents
    group by event_source, event_id
),

-- A decision stands over contents that it knew and that their digests tell apart.
decided as (
    select
        *,
        case
            when decision = 'drop' and unknown_batch_id is null then decision
            when
                decision in ('pick', 'retract')
                and unknown_batch_id is null
                and digest_count = content_count
                then decision
        end as standing_decision
    from identities
),

classified as (
    select
        placed.*,
        case
            when decided.standing_decision is not null
                then
                    case
                        when
                            decided.standing_decision = 'drop'
                            or placed.content_digest <> decided.decided_digest
                            then 'dropped'
                        when decided.standing_decision = 'pick' then 'picked'
                        else 'retracted'
                    end
            when
                decided.content_count > 1
                or decided.unknown_batch_id is not null
                then 'conflicting'
            when decided.decision is not null then 'restored'
            else 'unique'
        end as content_standing,
        greatest(
            placed.first_ingestion_batch_id,
            coalesce(decided.decided_by_batch_id, 0),
            case
                when decided.standing_decision is null
                    then
                        coalesce(
                            decided.unknown_batch_id, decided.second_batch_id, 0
                        )
                else 0
            end
        ) as standing_since_batch_id,
        decided.decided_by_batch_id
    from placed
    inner join decided
        on
            placed.event_source = decided.event_source
            and placed.event_id = decided.event_id
),

final as (
    select
        ingestion_batch_id,
        file_id,
        line_number,
        event_date,
        event_source,
        event_id,
        event_type,
        subject,
        event_at,
        event_at_nanos,
        key_hash,
        digest_1,
        digest_2,
        content_text,
        content_digest,
        cast(occurrence_number as bigint) as occurrence_number,
        cast(occurrence_count as bigint) as occurrence_count,
        first_ingestion_batch_id,
        first_file_id,
        first_line_number,
        content_standing,
        standing_since_batch_id,
        decided_by_batch_id
    from classified
)

select * from final
