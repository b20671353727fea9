"""Signing a file of records: all of its entries become part of the register, or none does.

Belongs here: the order of the steps, the commit, and a look at the entries before it. Does not
belong here: who may sign (authority.py), what a record becomes (building.py), the commit's protocol
(billing/commits.py).

A record is signed once: its id is never used again, and the same file signed again adds nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Final

import pyarrow as pa
from sqlalchemy.engine import Engine

from orchestration.billing.credits import read_grants, refuse_overdrawn
from orchestration.billing.derived_rows import rebuild_from_register
from orchestration.billing.entries import ENTRY_SCHEMA
from orchestration.billing.policies import pinned_policy
from orchestration.billing.posting_payloads import payloads_of
from orchestration.billing.posting_release import abandon_postings, released_document_ids
from orchestration.billing.register import Register
from orchestration.billing.sign_off_rules import Signer, refuse_unverified
from orchestration.billing.signed_rows import read_entries
from orchestration.durable import Steps, no_steps
from orchestration.price_book import current_reference
from orchestration.recording.authority import refuse_unauthorised
from orchestration.recording.building import (
    Built,
    Warehouse,
    build_entries,
    new_records,
    records_subject,
)
from orchestration.recording.models import EventRecord, RecordsFile
from orchestration.settings import Settings
from orchestration.stewardship import EventDecision, record_event_decisions
from orchestration.warehouse import open_warehouse

WAREHOUSE_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a file of records comes to.

    Attributes:
        register_sequence, manifest_sha256: the commit; None where nothing was signed.
        entries: ENTRY_SCHEMA.
        known_ids: records that were signed before, and are left out.
        event_records: decisions on events, which are no entries; the next run counts by them.
    """

    register_sequence: int | None
    manifest_sha256: str | None
    entries: pa.Table
    known_ids: tuple[str, ...]
    event_records: tuple[EventRecord, ...] = ()


def preview_entries(
    settings: Settings, engine: Engine, file: RecordsFile, *, now: datetime
) -> Recorded:
    """Show the entries that a signature over a file would make; nothing is signed.

    Raises:
        RefusedError: a record does not fit what it names.
    """
    rebuild_from_register(settings, engine)
    register = Register(settings.register)
    chain = register.chain()
    if file.event_records:
        return Recorded(
            register_sequence=None,
            manifest_sha256=None,
            entries=ENTRY_SCHEMA.empty_table(),
            known_ids=new_records(file.event_records, chain)[1],
            event_records=file.event_records,
        )
    with _warehouse_of(settings) as warehouse:
        built = build_entries(
            file.entry_records,
            chain=chain,
            register=register.entries(chain),
            warehouse=warehouse,
            signer="",
            now=now,
        )
    return _unsigned(built)


def record_entries(
    settings: Settings,
    engine: Engine,
    file: RecordsFile,
    *,
    signer: Signer,
    now: datetime,
    steps: Steps = no_steps,
) -> Recorded:
    """Sign the records of a file.

    Args:
        settings: the installation.
        engine: its operations database.
        file: as read_records gave it.
        signer: who, and how that is known.
        now: the instant of the signature, aware.
        steps: announced before each durable step.

    Raises:
        RefusedError: the class and code name the rule; nothing was signed.
        RegisterBusyError, RegisterWriteError, WarehouseBusyError: the machine could not.
    """
    rebuild_from_register(settings, engine)
    version = current_reference(settings, engine).reference_version
    policy = pinned_policy(settings, version)
    is_accepted = settings.may_sign_self_declared
    refuse_unverified(
        signer, policy, may_sign_self_declared=is_accepted, tried="Tried to sign records"
    )
    if file.event_records:
        refuse_unauthorised(signer, policy, file, ENTRY_SCHEMA.empty_table())
        return _record_decisions(settings, engine, file, signer=signer, now=now, steps=steps)
    with (
        _warehouse_of(settings) as warehouse,
        Register(settings.register, steps=steps).writing() as session,
    ):
        signed = read_entries(session.folder, session.chain)
        built = build_entries(
            file.entry_records,
            chain=session.chain,
            register=signed,
            warehouse=warehouse,
            signer=signer.name,
            now=now,
        )
        if not built.entries.num_rows:
            return _unsigned(built)
        refuse_unauthorised(signer, policy, file, built.entries)
        refuse_overdrawn(signed, built.entries, partial(read_grants, settings, version))
        steps("postings of released documents")
        _end_postings(settings, engine, built.entries, signed, now=now)
        subject = records_subject(file, built.records, signer)
        manifest = session.commit(kind="record", subject=subject, now=now, entries=built.entries)
    rebuild_from_register(settings, engine)
    return Recorded(
        register_sequence=manifest.sequence,
        manifest_sha256=manifest.sha256,
        entries=built.entries,
        known_ids=built.known_ids,
    )


def _record_decisions(
    settings: Settings,
    engine: Engine,
    file: RecordsFile,
    *,
    signer: Signer,
    now: datetime,
    steps: Steps,
) -> Recorded:
    """Sign decisions on events; they reach the models as an ingestion batch."""
    new, known_ids = new_records(file.event_records, Register(settings.register).chain())
    decided = None
    if new:
        decided = record_event_decisions(
            settings,
            engine,
            [
                EventDecision(
                    event_source=record.source,
                    event_id=record.event,
                    decision=record.kind,
                    reason=record.reason,
                    content_digest=record.content,
                )
                for record in new
            ],
            signer=signer,
            now=now,
            about=records_subject(file, new, signer),
            steps=steps,
        )
    return Recorded(
        register_sequence=decided.register_sequence if decided else None,
        manifest_sha256=decided.manifest_sha256 if decided else None,
        entries=ENTRY_SCHEMA.empty_table(),
        known_ids=known_ids,
        event_records=tuple(new),
    )


@contextmanager
def _warehouse_of(settings: Settings) -> Iterator[Warehouse]:
    """Give the warehouse to whoever asks for it, opened once."""
    with ExitStack() as stack:
        yield cache(
            lambda: stack.enter_context(
                open_warehouse(settings, wait_seconds=WAREHOUSE_WAIT_SECONDS)
            )
        )


def _unsigned(built: Built) -> Recorded:
    return Recorded(
        register_sequence=None,
        manifest_sha256=None,
        entries=built.entries,
        known_ids=built.known_ids,
    )


def _end_postings(
    settings: Settings, engine: Engine, entries: pa.Table, signed: pa.Table, *, now: datetime
) -> None:
    released = released_document_ids(entries)
    payloads = [each for each in payloads_of(signed).values() if each.document_id in released]
    if payloads:
        abandon_postings(engine, payloads, erp=settings.erp, now=now)
