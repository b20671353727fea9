"""Where deeds come from: commits of the register, reference versions, attempts to post.

Belongs here: each deed read from where it is kept, so that a crash between a deed and its entry
loses nothing. Does not belong here: writing them (catching_up.py); runs, which are kept nowhere
else (runs.py).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestration.actors import UNKNOWN, Actor, ActorSource
from orchestration.audit.entries import Commit, Deed
from orchestration.billing.manifests import Manifest
from orchestration.operations_db.tables import posting_attempts, postings, reference_versions

TOLD_OUTCOMES: Final = ("posted", "rejected", "unknown")
"""Endings of an attempt that concern the document; after any other nothing was done."""
_WAIVING: Final = ("waive", "carry_close")
_MOST_FILES: Final = 20
_LONGEST_TEXT: Final = 500


def deeds_of_commit(manifest: Manifest) -> Iterator[Deed]:
    """The deeds that a commit of the register is: one, and one for each document that it holds."""
    subject = manifest.subject
    commit = Commit(sequence=manifest.sequence, manifest_sha256=manifest.sha256)
    if manifest.kind == "freeze":
        content = subject["content"]
        actor = subject.get("frozen_by")
        yield Deed(
            happened_at=manifest.written_at,
            actor=UNKNOWN if actor is None else Actor.of_plain(actor),
            action="freeze",
            object_kind="revision",
            object_id=subject["revision_id"],
            details={
                "billing_period": content["billing_period"],
                "legal_entity_id": content["legal_entity_id"],
                "content_sha256": subject["content_sha256"],
                "reference_version": content["pins"]["reference_version"],
                "document_count": subject["document_count"],
            },
            commit=commit,
        )
    elif manifest.kind == "explain":
        yield _explanation(manifest, commit)
    elif manifest.kind in ("sign", "reject"):
        yield from _deeds_of_decision(manifest, commit)
    else:
        yield from _deeds_of_record(manifest, commit)


def reference_deeds(
    connection: Connection, versions_folder: Path, *, after: datetime | None
) -> list[Deed]:
    """Reference versions that came into force since an instant, each with what it changed."""
    query = sa.select(reference_versions).order_by(reference_versions.c.loaded_at)
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    return [
        Deed(
            happened_at=row["loaded_at"],
            actor=_author(row),
            action="change_reference",
            object_kind="reference_version",
            object_id=row["reference_version"],
            details=_changed(versions_folder, row["reference_version"], before),
        )
        for before, row in zip(
            [None, *(each["reference_version"] for each in rows)], rows, strict=False
        )
        if after is None or row["loaded_at"] > after
    ]


def posting_deeds(connection: Connection, *, without: set[tuple[str, int]]) -> list[Deed]:
    """Attempts to post that ended and have no entry yet, in order.

    Args:
        connection: of the operations database.
        without: posting keys and attempt numbers whose entry is there, though not marked yet.
    """
    attempts = posting_attempts
    query = (
        sa.select(
            attempts,
            postings.c.document_id,
            postings.c.revision_id,
            postings.c.legal_entity_id,
            postings.c.erp,
            postings.c.amount,
            postings.c.currency_code,
            postings.c.document_number,
        )
        .join_from(attempts, postings, attempts.c.posting_key == postings.c.posting_key)
        .where(attempts.c.audit_sequence.is_(None), attempts.c.outcome.in_(TOLD_OUTCOMES))
        .order_by(attempts.c.finished_at, attempts.c.attempt_id)
    )
    rows: Any = connection.execute(query).mappings()
    return [
        _posting_deed(row)
        for row in rows
        if (row["posting_key"], row["attempt_number"]) not in without
    ]


def has_posting_news(connection: Connection) -> bool:
    """Whether an attempt ended that has no entry yet."""
    query = (
        sa.select(posting_attempts.c.attempt_id)
        .where(
            posting_attempts.c.audit_sequence.is_(None),
            posting_attempts.c.outcome.in_(TOLD_OUTCOMES),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def newest_reference(connection: Connection) -> datetime | None:
    """When the version in force was loaded."""
    newest: datetime | None = connection.execute(
        sa.select(reference_versions.c.loaded_at)
        .order_by(reference_versions.c.loaded_at.desc())
        .limit(1)
    ).scalar()
    return newest


def _deeds_of_decision(manifest: Manifest, commit: Commit) -> Iterator[Deed]:
    subject = manifest.subject
    legal_entity_id, billing_period, _ = f"{subject['revision_id']}::".split(":", 2)
    concerned = {"billing_period": billing_period, "legal_entity_id": legal_entity_id}
    actor = _signer(subject)
    yield Deed(
        happened_at=manifest.written_at,
        actor=actor,
        action=manifest.kind,
        object_kind="revision",
        object_id=subject["revision_id"],
        details=concerned
        | {
            "note": subject.get("note", ""),
            "content_sha256": subject.get("content_sha256"),
            "document_count": subject.get("signed_document_count"),
            "amounts": {
                total["currency_code"]: total["amount"] for total in subject.get("totals", ())
            },
        },
        commit=commit,
    )
    for document_id in subject.get("held_document_ids", ()):
        yield Deed(
            happened_at=manifest.written_at,
            actor=actor,
            action="hold",
            object_kind="document",
            object_id=document_id,
            details=concerned
            | {"revision_id": subject["revision_id"], "note": subject.get("note", "")},
            commit=commit,
        )


def _explanation(manifest: Manifest, commit: Commit) -> Deed:
    subject = manifest.subject
    return Deed(
        happened_at=manifest.written_at,
        actor=Actor.of_plain(subject["explained_by"]),
        action="explain",
        object_kind="revision",
        object_id=subject["revision_id"],
        details={
            name: subject[name] for name in ("billing_period", "legal_entity_id", "content_sha256")
        },
        commit=commit,
    )


def _deeds_of_record(manifest: Manifest, commit: Commit) -> Iterator[Deed]:
    """One for each record of a file; one for a waiver, and for a commit that says no more."""
    subject = manifest.subject
    told = _plain_details(subject)
    deeds: list[tuple[str, str, str, dict[str, Any]]] = [
        (
            "waive" if record["kind"] in _WAIVING else "record",
            "record",
            record["record_id"],
            told | _plain_details(record),
        )
        for record in subject.get("records", ())
    ]
    if "exception_id" in subject:
        deeds.append(("waive", "exception", subject["exception_id"], told))
    if not deeds:
        deeds.append(("record", "register_commit", str(manifest.sequence), told))
    for action, object_kind, object_id, details in deeds:
        yield Deed(
            happened_at=manifest.written_at,
            actor=_signer(subject),
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            details=details,
            commit=commit,
        )


def _signer(subject: Mapping[str, Any]) -> Actor:
    if "signer" not in subject:
        return UNKNOWN
    return Actor(
        name=subject["signer"],
        source=subject.get("signer_source", "self_declared"),
        run_id=subject.get("run_id"),
    )


def _plain_details(subject: Mapping[str, Any]) -> dict[str, Any]:
    """What of a subject is short and plain; the manifest holds the rest."""
    return {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in subject.items()
        if value is None or isinstance(value, str | bool | int)
    }


def _author(row: Mapping[str, Any]) -> Actor:
    if row["author"] is None:
        return UNKNOWN
    source: ActorSource = row["author_source"] or "self_declared"
    return Actor(name=row["author"], source=source, run_id=row["run_id"])


def _changed(folder: Path, version: str, before: str | None) -> dict[str, Any]:
    """Which source files a version has otherwise than the one that was in force before."""
    then, now = ({} if name is None else _files(folder / name) for name in (before, version))
    changed = sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path))
    return {
        "previous_version": before,
        "changed_file_count": len(changed),
        "changed_files": changed[:_MOST_FILES],
    }


def _files(version_folder: Path) -> dict[str, str]:
    """SHA-256 of a version's source files by path; none where its description is gone."""
    try:
        described = json.loads((version_folder / "version.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {each["path"]: each["sha256"] for each in described["files"]}


def _posting_deed(row: Mapping[str, Any]) -> Deed:
    actor = (
        UNKNOWN
        if row["actor_name"] is None
        else Actor(name=row["actor_name"], source=row["actor_source"], run_id=row["run_id"])
    )
    is_posted = row["outcome"] == "posted"
    _, billing_period, _ = f"{row['revision_id']}::".split(":", 2)
    return Deed(
        happened_at=row["finished_at"],
        actor=actor,
        action="credit" if row["amount"] < 0 else "post",
        object_kind="document",
        object_id=row["document_id"],
        details={
            "billing_period": billing_period or None,
            "legal_entity_id": row["legal_entity_id"],
            "revision_id": row["revision_id"],
            "posting_key": row["posting_key"],
            "attempt_number": row["attempt_number"],
            "outcome": row["outcome"],
            "erp": row["erp"],
            "document_number": row["document_number"] if is_posted else None,
            "amount": format(row["amount"], "f"),
            "currency_code": row["currency_code"],
        },
    )


def audited_attempts(deeds: Sequence[Deed]) -> set[tuple[str, int]]:
    """Posting keys and attempt numbers that some deeds are of."""
    return {
        (each.details["posting_key"], each.details["attempt_number"])
        for each in deeds
        if each.object_kind == "document" and "attempt_number" in each.details
    }
