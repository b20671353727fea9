"""Whether the audit log is what was written, and tells of all that was done and of nothing else.

Belongs here: the log against its anchors, against the register and against the postings, both ways.
Does not belong here: repair; laying out what was found (orchestration/reports).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.audit.anchors import anchored_places, last_anchor
from orchestration.audit.catching_up import is_caught_up
from orchestration.audit.deeds import deeds_of_commit
from orchestration.audit.entries import Entry
from orchestration.audit.log import ENTRIES_FOLDER, START, AuditLog, AuditProblem, Place
from orchestration.billing.manifests import Manifest, inspect_chain
from orchestration.operations_db.tables import posting_attempts
from orchestration.settings import Settings


@dataclass(frozen=True, kw_only=True)
class AuditState:
    """What an inspection found.

    Attributes:
        entry_count: entries that can be read. head: the last one's place.
        problems: everything that is not as it must be.
        unanchored_count: entries behind the last anchor, as a killed process leaves them.
        unfinished_count: appends that never ended, kept aside or waiting to be.
        is_caught_up: whether nothing waits to be appended by the next step.
    """

    entry_count: int
    head: Place
    problems: tuple[AuditProblem, ...]
    unanchored_count: int
    unfinished_count: int
    is_caught_up: bool


def inspect_log(
    settings: Settings, engine: Engine, *, known_heads: Iterable[Place] = ()
) -> AuditState:
    """Walk the whole log and compare it with its anchors, the register and the postings.

    Args:
        settings: the installation.
        engine: its operations database.
        known_heads: places that left the data directory, such as those in evidence packs.
    """
    log = AuditLog(settings.audit)
    entries, problems = log.inspect()
    places = {(entry.sequence, entry.sha256) for entry in entries}
    noted = [*anchored_places(engine), *known_heads]
    problems += [
        _disagreement(
            "head_forgotten",
            f"entry {place.sequence} with the digest {place.entry_sha256} was noted outside of the "
            "log and is not in it: its end was cut off or changed.",
        )
        for place in sorted(set(noted), key=lambda place: (place.sequence, place.entry_sha256))
        if place.sequence and (place.sequence, place.entry_sha256) not in places
    ]
    with engine.connect() as connection:
        anchor = last_anchor(connection)
    manifests, _ = inspect_chain(settings.register)
    problems += _compared_with_register(entries, manifests, known_until=anchor.register_sequence)
    problems += _compared_with_postings(entries, engine)
    head = entries[-1] if entries else None
    return AuditState(
        entry_count=len(entries),
        head=Place(sequence=head.sequence, entry_sha256=head.sha256) if head else START,
        problems=tuple(problems),
        unanchored_count=sum(entry.sequence > anchor.place.sequence for entry in entries),
        unfinished_count=len(log.unfinished()),
        is_caught_up=bool(problems) or is_caught_up(settings, engine),
    )


def _compared_with_register(
    entries: Sequence[Entry], manifests: Sequence[Manifest], *, known_until: int
) -> Iterator[AuditProblem]:
    """Commits without their entries, then entries without their commit.

    A commit behind the last one that the log knew waits for the next step, and is no problem.
    """
    logged: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for entry in entries:
        if entry.deed.commit is not None:
            place = (entry.deed.commit.sequence, entry.deed.commit.manifest_sha256)
            deed = (entry.deed.action, entry.deed.object_id)
            logged.setdefault(place, []).append(deed)
    last = max([known_until, *(sequence for sequence, _ in logged)])
    committed = {(each.sequence, each.sha256): each for each in manifests}
    for place, manifest in committed.items():
        expected = [(deed.action, deed.object_id) for deed in deeds_of_commit(manifest)]
        if manifest.sequence <= last and sorted(logged.get(place, ())) != sorted(expected):
            yield _disagreement(
                "commit_not_logged",
                f"commit {manifest.sequence} of the register, a {manifest.kind}, does not have the "
                "entries that it must have.",
            )
    for sequence, sha256 in sorted(logged.keys() - committed.keys()):
        yield _disagreement(
            "commit_unknown",
            f"an entry tells of commit {sequence} of the register with the digest {sha256}, and "
            "the register has no such commit.",
        )


def _compared_with_postings(entries: Sequence[Entry], engine: Engine) -> Iterator[AuditProblem]:
    """Attempts that are marked as told, and are not."""
    told = {
        (
            entry.sequence,
            entry.deed.details.get("posting_key"),
            entry.deed.details.get("attempt_number"),
            entry.deed.details.get("outcome"),
        )
        for entry in entries
        if entry.deed.object_kind == "document"
    }
    query = sa.select(
        posting_attempts.c.audit_sequence,
        posting_attempts.c.posting_key,
        posting_attempts.c.attempt_number,
        posting_attempts.c.outcome,
    ).where(posting_attempts.c.audit_sequence.is_not(None))
    with engine.connect() as connection:
        for row in connection.execute(query.order_by(posting_attempts.c.audit_sequence)):
            if tuple(row) not in told:
                yield _disagreement(
                    "posting_not_logged",
                    f"attempt {row.attempt_number} to post {row.posting_key} ended as "
                    f"{row.outcome}, and entry {row.audit_sequence} does not say so.",
                )


def _disagreement(code: str, what: str) -> AuditProblem:
    return AuditProblem(
        path=ENTRIES_FOLDER,
        code=code,
        message=f"{what} Restore audit/ or register/ from a copy, then run `tallyhouse doctor`.",
    )
