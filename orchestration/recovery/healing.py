"""Healing: the operations database is brought to what the register and the audit log say.

Belongs here: when there is something to heal, the order of it. Does not belong here: how postings
are made again (postings.py).

The anchor in the database says how far it knew the log and the register. A commit or an entry
behind it was made by a process that died before it could note that, or the database was lost or
put back from an older copy. Either way the rows are made again before anything else is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy.engine import Engine

from orchestration.audit import AuditLog
from orchestration.audit.anchors import NOTHING, last_anchor
from orchestration.audit.catching_up import entries_behind
from orchestration.billing.derived_rows import rebuild_from_register
from orchestration.billing.register import Register
from orchestration.operations_db import viewed_operations
from orchestration.recovery.postings import restore_postings
from orchestration.settings import Settings


@contextmanager
def whole_operations(settings: Settings, *, now: datetime | None = None) -> Iterator[Engine]:
    """Open the operations database, healed, and let go of it afterwards.

    Raises:
        OperationsUnavailableError, OperationsTooNewError, JournalDamagedError: see open_operations.
        AuditLogDamagedError, RegisterDamagedError: see heal.
    """
    with viewed_operations(settings) as engine:
        heal(settings, engine, now=now or datetime.now(UTC))
        yield engine


def is_behind(settings: Settings, engine: Engine) -> bool:
    """Whether the register or the audit log holds what the database never noted.

    Raises:
        AuditLogDamagedError: the last entry of the log cannot be read.
    """
    with engine.connect() as connection:
        anchor = last_anchor(connection)
    is_behind_log = AuditLog(settings.audit).head() != anchor.place
    return is_behind_log or Register(settings.register).has_commit(anchor.register_sequence + 1)


def heal(settings: Settings, engine: Engine, *, now: datetime) -> int:
    """Make rows again that the register and the audit log know and the database does not.

    Nothing is read but the head of the audit log where the database is not behind.

    Args:
        settings: the installation.
        engine: its operations database.
        now: the instant, aware; from it on the ERP has time to end what may be under way.

    Returns:
        How many rows were made or changed.

    Raises:
        AuditLogDamagedError: the end of the log is not what was anchored; nothing was changed.
        RegisterDamagedError: a commit or a file of the register is missing or changed.
    """
    if not is_behind(settings, engine):
        return 0
    log = AuditLog(settings.audit)
    with engine.connect() as connection:
        anchor = last_anchor(connection)
    unanchored = entries_behind(log, anchor) if log.head() != anchor.place else ()
    changed = rebuild_from_register(settings, engine)
    if unanchored or anchor == NOTHING:
        deeds = [entry.deed for entry in unanchored]
        changed += restore_postings(settings, engine, deeds, now=now)
    return changed
