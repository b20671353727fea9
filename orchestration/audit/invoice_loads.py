"""Loads of invoices of the system in use: their entries in the log, and the files against it.

Belongs here: what a load is told as, which loads have no entry yet, both compared both ways. Does
not belong here: the files (orchestration/shadow/store.py); writing the log (log.py).

A load is kept first, then told. Which loads are told is read from the whole log, so that is done by
the step that loads and compares, and by doctor, and not by every step: a load whose process died
before its entry is told by the next comparison.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy.engine import Engine

from orchestration.actors import Actor, ActorSource
from orchestration.audit.catching_up import catch_up
from orchestration.audit.entries import Deed, Entry
from orchestration.audit.log import AuditLog
from orchestration.billing.canonical import instant_of
from orchestration.settings import Settings
from orchestration.shadow.store import InvoiceLoad, read_loads

ACTION: Final = "load_invoices"


@dataclass(frozen=True, kw_only=True)
class InvoiceLoadsState:
    """Loads of invoices beside the audit log.

    Attributes:
        loads: every one, in order.
        problems: sentences: entries whose load is gone or says something else now.
        untold_count: loads without an entry, which the next comparison adds.
    """

    loads: tuple[InvoiceLoad, ...]
    problems: tuple[str, ...]
    untold_count: int


def tell_invoice_loads(
    settings: Settings, engine: Engine, *, clock: Callable[[], datetime]
) -> tuple[Entry, ...]:
    """Append an entry for each load that has none; returns the new entries.

    Raises:
        InvoiceLoadDamagedError: a record is missing or cannot be read as one.
        AuditLogDamagedError, AuditLogBusyError, RegisterWriteError: see catch_up.
    """
    deeds = [invoice_load_deed(load) for load in read_loads(settings)]
    if not deeds:
        return ()

    def untold(log: AuditLog) -> list[Deed]:
        told = _told(log.entries())
        return [deed for deed in deeds if deed.object_id not in told]

    return catch_up(settings, engine, clock=clock, found=untold)


def inspect_invoice_loads(settings: Settings) -> InvoiceLoadsState:
    """Compare every load with its entry, both ways.

    Raises:
        InvoiceLoadDamagedError: a record is missing or cannot be read as one.
    """
    loads = tuple(read_loads(settings))
    entries, _ = AuditLog(settings.audit).inspect()
    told = _told(entries)
    kept = {deed.object_id: deed.details for deed in map(invoice_load_deed, loads)}
    problems = [
        f"load {number} of invoices is told by the audit log and "
        + ("is not there" if number not in kept else "is not what it was when it was loaded")
        for number, details in told.items()
        if kept.get(number) != details
    ]
    return InvoiceLoadsState(
        loads=loads,
        problems=tuple(problems),
        untold_count=len(kept.keys() - told.keys()),
    )


def invoice_load_deed(load: InvoiceLoad) -> Deed:
    """What a load is told as: who loaded which file for which month, by digest."""
    return Deed(
        happened_at=instant_of(load.loaded_at),
        actor=Actor(
            name=load.loaded_by,
            source=cast("ActorSource", load.loaded_by_source),
            run_id=load.run_id,
        ),
        action=ACTION,
        object_kind="invoice_load",
        object_id=str(load.load_number),
        details={
            "billing_period": load.billing_period,
            "file_name": load.file_name,
            "file_sha256": load.file_sha256,
            "mapping_sha256": load.mapping_sha256,
        },
    )


def _told(entries: Iterable[Entry]) -> dict[str, Any]:
    """Details of the loads that have an entry, by number."""
    return {
        entry.deed.object_id: entry.deed.details for entry in entries if entry.deed.action == ACTION
    }
