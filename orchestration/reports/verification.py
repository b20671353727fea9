"""Whether an installation is what it was committed as: the findings behind `tallyhouse doctor`.

Belongs here: proofs over files and digests. Does not belong here: checks of figures, which every
run makes; repair.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import sqlalchemy as sa

from orchestration.audit.inspection import AuditState, inspect_log
from orchestration.audit.invoice_loads import inspect_invoice_loads
from orchestration.billing.canonical import file_digest
from orchestration.billing.register import Register
from orchestration.evidence.printed import printed_heads
from orchestration.failures import BusinessError, TallyhouseError
from orchestration.operations_db import (
    inspect_journals,
    open_operations,
    tables,
    viewed_operations,
)
from orchestration.recovery import is_behind
from orchestration.settings import Settings
from orchestration.shadow.store import damaged_contents

_PACKAGES: Final = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
_SHOWN: Final = 20


class InstallationUnsoundError(BusinessError):
    """Something of the installation is not as it was committed."""

    code = "installation_unsound"


@dataclass(frozen=True)
class Finding:
    """One thing that was verified.

    Attributes:
        subject: what was looked at.
        is_sound: whether it is as it must be.
        detail: what was found; where it is not sound, what to do.
    """

    subject: str
    is_sound: bool
    detail: str


def verify_installation(settings: Settings) -> list[Finding]:
    """Verify folders, databases, journals, register, audit log, raw files and more, in order.

    Each proof stands alone: one that fails or cannot be made is a finding and stops no other.
    """
    proofs: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("folders", _folders),
        ("operations database", _operations),
        ("journals", _journals),
        ("register", _register),
        ("audit log", _audit_log),
        ("raw files", _raw_files),
        ("loads of invoices", _invoice_loads),
        ("versions", _versions),
    )
    findings: list[Finding] = []
    for subject, proof in proofs:
        try:
            findings.extend(proof(settings))
        except (TallyhouseError, OSError) as error:
            findings.append(Finding(subject, is_sound=False, detail=str(error)))
    return findings


def refuse_unsound(findings: Sequence[Finding]) -> None:
    """Let nobody go on who relies on a sound installation.

    Raises:
        InstallationUnsoundError: names every finding that is not sound.
    """
    unsound = [f"{one.subject} {one.detail}" for one in findings if not one.is_sound]
    if unsound:
        raise InstallationUnsoundError(
            f"Verified the installation: {len(unsound)} findings are not sound: "
            f"{'; '.join(unsound[:_SHOWN])}{'; …' if len(unsound) > _SHOWN else ''}."
        )


def _folders(settings: Settings) -> Iterator[Finding]:
    for folder in (settings.data_dir, settings.landing_usage, settings.reference_dir):
        is_there = folder.is_dir()
        yield Finding(
            f"folder {folder}",
            is_sound=is_there,
            detail="is there" if is_there else "is missing: run `tallyhouse init`",
        )
    is_writable = os.access(settings.data_dir, os.W_OK)
    yield Finding(
        f"folder {settings.data_dir}",
        is_sound=is_writable,
        detail="can be written" if is_writable else "cannot be written by this user",
    )


def _operations(settings: Settings) -> Iterator[Finding]:
    engine = open_operations(settings)
    try:
        with engine.connect() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(tables.raw_parts))
        detail = f"is at head and lists {count} raw files"
        if is_behind(settings, engine):
            detail += (
                "; it is behind the register or the audit log, as a killed process or the loss of "
                "the database leaves it: the next step makes its rows again"
            )
    finally:
        engine.dispose()
    yield Finding("operations database", is_sound=True, detail=detail)


def _journals(settings: Settings) -> Iterator[Finding]:
    with viewed_operations(settings) as engine:
        count, problems = inspect_journals(settings, engine)
    for problem in problems:
        yield Finding("journals", is_sound=False, detail=problem)
    if not problems:
        yield Finding("journals", is_sound=True, detail=f"{count} entries, each as it was written")


def _register(settings: Settings) -> Iterator[Finding]:
    register = Register(settings.register)
    engine = open_operations(settings)
    try:
        with engine.connect() as connection:
            digests: Sequence[str | None] = connection.scalars(
                sa.select(tables.sign_offs.c.manifest_sha256)
            ).all()
    finally:
        engine.dispose()
    printed = [heads.register_head_sha256 for heads in printed_heads(settings)]
    known = [digest for digest in (*digests, *printed) if digest]
    problems = register.verify(known_manifest_sha256=known)
    for problem in problems:
        yield Finding(f"register {problem.path}", is_sound=False, detail=problem.message)
    if not problems:
        head = register.head()
        yield Finding(
            "register",
            is_sound=True,
            detail=f"{head.sequence} commits, each as it was made; head {head.manifest_sha256}",
        )


def _audit_log(settings: Settings) -> Iterator[Finding]:
    engine = open_operations(settings)
    try:
        known = [heads.audit_head for heads in printed_heads(settings)]
        state = inspect_log(settings, engine, known_heads=known)
    finally:
        engine.dispose()
    for problem in state.problems:
        yield Finding(
            f"audit log {problem.path}",
            is_sound=False,
            detail=f"{problem.code}: {problem.message}",
        )
    if not state.problems:
        yield Finding("audit log", is_sound=True, detail=_audit_detail(state))


def _audit_detail(state: AuditState) -> str:
    """What a sound log holds; what a killed process left in it is said, and is no damage."""
    told = [f"{state.entry_count} entries, each as it was written; head {state.head.entry_sha256}"]
    if state.unanchored_count:
        told.append(
            f"{state.unanchored_count} of them are newer than the head that was noted elsewhere, "
            "as a killed process leaves them, or somebody added them: look at them"
        )
    if state.unfinished_count:
        told.append(f"{state.unfinished_count} unfinished writes are set aside")
    if not state.is_caught_up:
        told.append("the next step adds what a killed process did not write")
    return "; ".join(told)


def _raw_files(settings: Settings) -> Iterator[Finding]:
    parts = tables.raw_parts
    engine = open_operations(settings)
    try:
        with engine.connect() as connection:
            listed = connection.execute(
                sa.select(parts.c.path, parts.c.content_sha256).order_by(parts.c.path)
            ).all()
    finally:
        engine.dispose()
    with ThreadPoolExecutor(settings.duckdb_threads) as pool:
        found = list(pool.map(lambda row: file_digest(settings.data_dir / row.path), listed))
    damaged = 0
    for row, digest in zip(listed, found, strict=True):
        if digest != row.content_sha256:
            damaged += 1
            state = "is missing" if digest is None else "is not what was committed"
            yield Finding(
                f"raw file {row.path}",
                is_sound=False,
                detail=f"{state}: restore it from a copy whose SHA-256 is {row.content_sha256}",
            )
    if damaged == 0:
        yield Finding("raw files", is_sound=True, detail=f"{len(listed)} files as committed")


def _invoice_loads(settings: Settings) -> Iterator[Finding]:
    state = inspect_invoice_loads(settings)
    problems = [f"{problem}: restore shadow/ from a copy" for problem in state.problems]
    problems += damaged_contents(settings, state.loads)
    for problem in problems:
        yield Finding("loads of invoices", is_sound=False, detail=problem)
    if not problems:
        detail = f"{len(state.loads)} loads, each as it was loaded"
        if state.untold_count:
            detail += (
                f"; {state.untold_count} not in the audit log yet: the next "
                "`tallyhouse compare-invoices` adds what a killed process did not write"
            )
        yield Finding("loads of invoices", is_sound=True, detail=detail)


def _versions(_settings: Settings) -> Iterator[Finding]:
    is_supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding(
        "Python",
        is_sound=is_supported,
        detail=platform.python_version() + ("" if is_supported else ": use 3.11, 3.12 or 3.13"),
    )
    for package in _PACKAGES:
        yield Finding(package, is_sound=True, detail=version(package))
