"""Recording decisions on events: all of them, or none with every reason.

Belongs here: what refuses a decision, the commit. Does not belong here: finding contents
(contents.py), who may decide, how a decision reaches the models (delivery.py).

The manifest in the register is the commit. A crash after it is healed by the next ingestion, which
delivers what was decided.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import pyarrow as pa
from sqlalchemy.engine import Engine

from orchestration.billing.canonical import instant_of, instant_text
from orchestration.billing.commits import parquet_file
from orchestration.billing.register import Register
from orchestration.billing.sign_off_rules import Signer
from orchestration.durable import Steps, no_steps
from orchestration.failures import RefusedError
from orchestration.ingest.load import ingestion_lock
from orchestration.settings import Settings
from orchestration.stewardship.contents import contents_of, standing_of
from orchestration.stewardship.decision_rows import (
    DECISION_KINDS,
    EVENT_DECISION_SCHEMA,
    ROLE,
    EventDecision,
    RecordedDecisions,
    last_decisions,
    read_event_decisions,
)
from orchestration.stewardship.delivery import deliver_event_decisions

_TOLD_AT_MOST: Final = 20
_NOTHING: Final[Mapping[str, Any]] = {}
_Judge: TypeAlias = Callable[
    [EventDecision, Sequence[str], Mapping[str, Any] | None], Iterator[str]
]


class EventDecisionsRefusedError(RefusedError):
    """At least one decision cannot be recorded; none was.

    Attributes:
        problems: one sentence for each, in the order in which decisions were given.
    """

    code = "event_decisions_refused"

    def __init__(self, problems: Sequence[str], *, decision_count: int) -> None:
        told = " ".join(problems[:_TOLD_AT_MOST])
        more = len(problems) - _TOLD_AT_MOST
        super().__init__(
            f"Tried to record {decision_count:,} decisions on events: nothing was recorded. {told}"
            + (f" And {more:,} more." if more > 0 else "")
        )
        self.problems = tuple(problems)


def record_event_decisions(
    settings: Settings,
    engine: Engine,
    decisions: Sequence[EventDecision],
    *,
    signer: Signer,
    now: datetime,
    about: Mapping[str, Any] = _NOTHING,
    steps: Steps = no_steps,
) -> RecordedDecisions:
    """Commit decisions to the register and hand them to the models, as a batch of their own.

    Each is judged by the contents of every committed batch. The next build counts by them.

    Args:
        settings: the installation.
        engine: its operations database.
        decisions: at most one about each identity.
        signer: the steward, who becomes the author of each.
        now: the instant of the decision, aware.
        about: what the commit says besides, such as the file that the decisions come from.
        steps: announced before each durable step.

    Raises:
        EventDecisionsRefusedError: names every decision that cannot be recorded; none was.
        RawFilesUnreadableError: a raw file that may hold one of the events cannot be read.
        IngestionBusyError: another process is loading into this data directory.
        RegisterBusyError, RegisterDamagedError, RegisterWriteError: see there.
    """
    with ingestion_lock(settings):
        register = Register(settings.register, steps=steps)
        contents = contents_of(settings, engine, {each.identity for each in decisions})
        with register.writing() as session:
            earlier = last_decisions(read_event_decisions(register.folder, session.chain))
            _refuse(decisions, contents, earlier, signer)
            rows = _rows(decisions, contents, earlier, signer=signer, now=now)
            manifest = session.commit(
                kind="record",
                subject={
                    **about,
                    "recorded": ROLE,
                    "decision_count": len(decisions),
                    "signer": signer.name,
                    "signer_source": signer.source,
                    "run_id": signer.run_id,
                },
                now=now,
                files=[parquet_file(ROLE, rows, EVENT_DECISION_SCHEMA)],
            )
        steps("deliver decisions")
        batches = deliver_event_decisions(settings, engine, now=now, steps=steps)
    return RecordedDecisions(
        register_sequence=manifest.sequence,
        manifest_sha256=manifest.sha256,
        decision_count=len(decisions),
        ingestion_batch_ids=batches,
    )


def _refuse(
    decisions: Sequence[EventDecision],
    contents: Mapping[Any, Sequence[str]],
    earlier: Mapping[Any, Mapping[str, Any]],
    signer: Signer,
) -> None:
    problems = [] if decisions else ["There is no decision among them: give one at least."]
    if not signer.name.strip():
        problems.append("Nobody is named as author: say who decides.")
    times = Counter(each.identity for each in decisions)
    for each in decisions:
        if times[each.identity] > 1:
            problem: str | None = "it is named more than once. Decide once about each event."
        else:
            found = contents.get(each.identity, ())
            problem = next(_problems_of(each, found, earlier.get(each.identity)), None)
        if problem is not None:
            name = f"{each.event_source} {each.event_id}".strip() or "without source and id"
            problems.append(f"Event {name}: {problem}")
    if problems:
        raise EventDecisionsRefusedError(problems, decision_count=len(decisions))


def _problems_of(
    asked: EventDecision, contents: Sequence[str], last: Mapping[str, Any] | None
) -> Iterator[str]:
    """Say why a decision cannot be recorded, and what to do; the first reason is told."""
    if asked.decision not in DECISION_KINDS:
        yield f"{asked.decision!r} is no decision. Say one of {', '.join(DECISION_KINDS)}."
        return
    if not asked.reason.strip():
        yield "it has no reason. Say why."
    if asked.decision != "pick" and asked.content_digest is not None:
        yield f"a content is named to {asked.decision}. Name none: only a pick has one."
    if not contents:
        yield "no accepted event has this source and id. Check both for typing errors."
        return
    yield from _PROBLEMS[asked.decision](asked, contents, last)


def _pick_problems(
    asked: EventDecision, contents: Sequence[str], last: Mapping[str, Any] | None
) -> Iterator[str]:
    if asked.content_digest is None:
        yield f"no content is named. Pick one of {', '.join(sorted(set(contents)))}."
    elif asked.content_digest not in contents:
        known = ", ".join(sorted(set(contents)))
        yield f"no content of it is {asked.content_digest}. Pick one of {known}."
    if len(contents) == 1:
        yield "it came with one content only, which needs no pick."
    if len(set(contents)) < len(contents):
        yield "two of its contents share a digest, so none can be picked. Drop them all."
    is_picked = last is not None and standing_of(contents, last) == "picked"
    if is_picked and last is not None and last["content_digest"] == asked.content_digest:
        yield "this content is picked already."


def _drop_problems(
    _asked: EventDecision, contents: Sequence[str], last: Mapping[str, Any] | None
) -> Iterator[str]:
    if standing_of(contents, last) == "dropped":
        yield "all its contents are dropped already."
    elif len(contents) == 1:
        yield "it came with one content only. Retract it, if it is wrong."


def _retract_problems(
    _asked: EventDecision, contents: Sequence[str], last: Mapping[str, Any] | None
) -> Iterator[str]:
    standing = standing_of(contents, last)
    if standing == "conflicting":
        yield "its contents conflict, so none counts. Pick one, or drop them all."
    elif standing in ("dropped", "retracted"):
        yield f"it is {standing} already."


def _restore_problems(
    _asked: EventDecision, _contents: Sequence[str], last: Mapping[str, Any] | None
) -> Iterator[str]:
    if last is None or last["decision"] == "restore":
        yield "no decision about it stands that could be undone."


_PROBLEMS: Final[Mapping[str, _Judge]] = {
    "pick": _pick_problems,
    "drop": _drop_problems,
    "retract": _retract_problems,
    "restore": _restore_problems,
}


def _rows(
    decisions: Sequence[EventDecision],
    contents: Mapping[Any, Sequence[str]],
    earlier: Mapping[Any, Mapping[str, Any]],
    *,
    signer: Signer,
    now: datetime,
) -> pa.Table:
    decided_at = instant_of(instant_text(now)).replace(tzinfo=None)
    rows = []
    for number, each in enumerate(decisions, start=1):
        digest = each.content_digest
        if each.decision == "retract":
            digest = _counted(contents[each.identity], earlier.get(each.identity))
        rows.append(
            {
                "decision_number": number,
                "event_source": each.event_source,
                "event_id": each.event_id,
                "decision": each.decision,
                "content_digest": digest,
                "known_digests": sorted(set(contents[each.identity])),
                "reason": each.reason.strip(),
                "author": signer.name,
                "author_source": signer.source,
                "decided_at": decided_at,
            }
        )
    return pa.Table.from_pylist(rows, schema=EVENT_DECISION_SCHEMA)


def _counted(contents: Sequence[str], last: Mapping[str, Any] | None) -> str:
    """Return the content that counts: the only one, or the picked one."""
    if last is not None and last["decision"] == "pick":
        return str(last["content_digest"])
    [only] = contents
    return only
