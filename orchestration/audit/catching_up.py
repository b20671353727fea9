"""Catching up: the log is brought to what the register and the operations database hold.

Belongs here: what is new, in which order it is written, the anchor behind it. Does not belong here:
files (log.py); what a deed is (deeds.py).

Every step over an installation begins and ends with it, so a crash between a deed and its entry is
healed by the next step, whatever that is. Each deed is kept first where it belongs, then in the
log, then the log's head is anchored; an append whose anchor was lost is found and anchored.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.engine import Engine

from orchestration.audit.anchors import Anchor, last_anchor, put_anchor
from orchestration.audit.deeds import (
    audited_attempts,
    deeds_of_commit,
    has_posting_news,
    newest_reference,
    posting_deeds,
    reference_deeds,
)
from orchestration.audit.entries import Deed, Entry
from orchestration.audit.log import AuditLog, AuditLogDamagedError
from orchestration.audit.totals import has_totals_news, totals_deeds
from orchestration.billing.register import Register
from orchestration.durable import Steps, no_steps
from orchestration.operations_db import write_transaction
from orchestration.settings import Settings


def nothing_found(_log: AuditLog) -> list[Deed]:
    """Find no further deeds."""
    return []


def catch_up(
    settings: Settings,
    engine: Engine,
    *,
    clock: Callable[[], datetime],
    deeds: Sequence[Deed] = (),
    found: Callable[[AuditLog], Sequence[Deed]] = nothing_found,
    steps: Steps = no_steps,
) -> tuple[Entry, ...]:
    """Append what is not in the log yet, and further deeds; anchor its head.

    Nothing is written, and no lock is taken, where there is no news.

    Args:
        settings: the installation.
        engine: its operations database.
        clock: gives the instant of writing, aware.
        deeds: what is kept nowhere else, such as the start of a run.
        found: looks the log through, while nobody else writes it, for deeds that it lacks.
        steps: announced before each durable step.

    Returns:
        The new entries.

    Raises:
        AuditLogDamagedError: the end of the log is not what was anchored.
        AuditLogBusyError: another process wrote it for too long.
        RegisterDamagedError: a commit that has no entry yet cannot be read.
        RegisterWriteError: the disk refused.
    """
    log = AuditLog(settings.audit, steps=steps)
    is_searched = found is not nothing_found
    if not deeds and not is_searched and not _has_news(settings, engine, log):
        return ()
    with log.writing():
        with engine.connect() as connection:
            anchor = last_anchor(connection)
        unanchored = entries_behind(log, anchor)
        known = anchor.moved(unanchored)
        news = [*_news(settings, engine, known, unanchored), *deeds, *found(log)]
        now = clock()
        entries = log.append(known.place, news, now=now)
        moved = known.moved(entries)
        if moved.place != anchor.place:
            steps(f"anchor of entry {moved.place.sequence}")
            with write_transaction(engine) as connection:
                put_anchor(connection, moved, [*unanchored, *entries], now=now)
            steps(f"anchored entry {moved.place.sequence}")
    return entries


def entries_behind(log: AuditLog, anchor: Anchor) -> tuple[Entry, ...]:
    """Entries whose anchor a crash lost, or of a database that was lost or restored from a copy.

    Raises:
        AuditLogDamagedError: the end of the log is not what was anchored.
    """
    try:
        return log.entries(after=anchor.place)
    except AuditLogDamagedError as error:
        raise AuditLogDamagedError(
            f"{error} Nothing is loaded, frozen, signed or posted until the log is what it was."
        ) from error


def _has_news(settings: Settings, engine: Engine, log: AuditLog) -> bool:
    with engine.connect() as connection:
        anchor = last_anchor(connection)
        newest = newest_reference(connection)
        if newest is not None and newest != anchor.reference_loaded_at:
            return True
        if has_posting_news(connection):
            return True
        if has_totals_news(connection, after=anchor.control_totals_batch_id):
            return True
    if Register(settings.register).has_commit(anchor.register_sequence + 1):
        return True
    return log.head() != anchor.place


def _news(
    settings: Settings, engine: Engine, anchor: Anchor, unanchored: Sequence[Entry]
) -> list[Deed]:
    """What has no entry yet: reference versions, commits and postings, in the order of time."""
    deeds: list[Deed] = []
    register = Register(settings.register)
    if register.has_commit(anchor.register_sequence + 1):
        for manifest in register.chain()[anchor.register_sequence :]:
            deeds.extend(deeds_of_commit(manifest))
    with engine.connect() as connection:
        deeds.extend(
            reference_deeds(
                connection, settings.reference_versions, after=anchor.reference_loaded_at
            )
        )
        deeds.extend(totals_deeds(connection, settings, after=anchor.control_totals_batch_id))
        without = audited_attempts([each.deed for each in unanchored])
        deeds.extend(posting_deeds(connection, without=without))
    return sorted(deeds, key=lambda deed: deed.happened_at)


def is_caught_up(settings: Settings, engine: Engine) -> bool:
    """Whether every deed that is kept elsewhere has its entry, and the head its anchor."""
    return not _has_news(settings, engine, AuditLog(settings.audit))
