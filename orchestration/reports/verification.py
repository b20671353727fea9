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

from orchestration.billing.canonical import file_digest
from orchestration.billing.register import Register
from orchestration.failures import BusinessError, TallyhouseError
from orchestration.operations_db import open_operations, tables
from orchestration.settings import Settings

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
    """Verify folders, operations database, register, raw files and versions, in that order.

    Each proof stands alone: one that fails or cannot be made is a finding and stops no other.
    """
    proofs: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("folders", _folders),
        ("operations database", _operations),
        ("register", _register),
        ("raw files", _raw_files),
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
    finally:
        engine.dispose()
    yield Finding(
        "operations database", is_sound=True, detail=f"is at head and lists {count} raw files"
    )


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
    problems = register.verify(known_manifest_sha256=[digest for digest in digests if digest])
    for problem in problems:
        yield Finding(f"register {problem.path}", is_sound=False, detail=problem.message)
    if not problems:
        head = register.head()
        yield Finding(
            "register",
            is_sound=True,
            detail=f"{head.sequence} commits, each as it was made; head {head.manifest_sha256}",
        )


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


def _versions(_settings: Settings) -> Iterator[Finding]:
    is_supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding(
        "Python",
        is_sound=is_supported,
        detail=platform.python_version() + ("" if is_supported else ": use 3.11, 3.12 or 3.13"),
    )
    for package in _PACKAGES:
        yield Finding(package, is_sound=True, detail=version(package))
