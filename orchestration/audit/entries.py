"""An entry of the audit log: what it says, and its canonical form.

Belongs here: deeds, entries, their bytes and digests. Does not belong here: files (log.py); where
deeds come from (deeds.py).

An entry is one line of canonical JSON. content_sha256 is over the rest of it, so that an accident
in the last entry is found too; a forged last one is found by the digests that left the folder, in
the operations database and in evidence packs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from orchestration.actors import Actor
from orchestration.billing.canonical import (
    bytes_digest,
    canonical_bytes,
    canonical_digest,
    instant_of,
    instant_text,
)
from orchestration.billing.manifests import GENESIS_SHA256

FORMAT: Final = 1
ACTIONS: Final = (
    "start_run",
    "end_run",
    "change_reference",
    "load_invoices",
    "load_totals",
    "freeze",
    "explain",
    "sign",
    "reject",
    "hold",
    "record",
    "waive",
    "post",
    "credit",
)
"""Every verb of the log: credit is the posting of a document with a negative sum."""
OBJECT_KINDS: Final = (
    "job",
    "reference_version",
    "invoice_load",
    "ingestion_batch",
    "revision",
    "document",
    "register_commit",
    "record",
    "exception",
)
GENESIS: Final = GENESIS_SHA256


@dataclass(frozen=True, kw_only=True)
class Commit:
    """The commit of the register that a deed made."""

    sequence: int
    manifest_sha256: str


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that was done.

    Attributes:
        happened_at: when, aware.
        actor: who, and in which run.
        action: one of ACTIONS. object_kind: one of OBJECT_KINDS. object_id: of which object.
        details: a small mapping; its billing_period and legal_entity_id say what it concerns.
        commit: the commit of the register that it is; None for what the register does not hold.
    """

    happened_at: datetime
    actor: Actor
    action: str
    object_kind: str
    object_id: str
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    commit: Commit | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A deed in its place in the log.

    Attributes:
        sequence: 1, 2, 3 … without gaps.
        previous_entry_sha256: digest of the entry before; 64 zeros for the first.
        recorded_at: when it was written, in UTC; later than it happened where that was caught up.
        sha256: digest of the entry's own bytes.
    """

    sequence: int
    previous_entry_sha256: str
    recorded_at: datetime
    deed: Deed
    sha256: str = ""

    def content(self) -> bytes:
        """The bytes of the entry's line, without its end."""
        deed = self.deed
        plain = {
            "format": FORMAT,
            "sequence": self.sequence,
            "previous_entry_sha256": self.previous_entry_sha256,
            "recorded_at": instant_text(self.recorded_at),
            "happened_at": instant_text(deed.happened_at),
            "actor": deed.actor.plain(),
            "action": deed.action,
            "object_kind": deed.object_kind,
            "object_id": deed.object_id,
            "details": deed.details,
            "commit": None if deed.commit is None else vars(deed.commit),
        }
        return canonical_bytes({**plain, "content_sha256": canonical_digest(plain)})

    @classmethod
    def after(
        cls, previous_sequence: int, previous_sha256: str, deed: Deed, *, now: datetime
    ) -> Self:
        """The entry of a deed behind another, or behind sequence 0 and 64 zeros."""
        draft = cls(
            sequence=previous_sequence + 1,
            previous_entry_sha256=previous_sha256,
            recorded_at=now,
            deed=deed,
        )
        return cls.parse(draft.content())

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read the bytes of an entry's line.

        Raises:
            ValueError: they are not what content() writes, to the byte.
        """
        try:
            plain = json.loads(content)
            if plain["format"] != FORMAT:
                raise ValueError("unknown format")
            commit = plain["commit"]
            entry = cls(
                sequence=plain["sequence"],
                previous_entry_sha256=plain["previous_entry_sha256"],
                recorded_at=instant_of(plain["recorded_at"]),
                deed=Deed(
                    happened_at=instant_of(plain["happened_at"]),
                    actor=Actor.of_plain(plain["actor"]),
                    action=plain["action"],
                    object_kind=plain["object_kind"],
                    object_id=plain["object_id"],
                    details=plain["details"],
                    commit=None if commit is None else Commit(**commit),
                ),
                sha256=bytes_digest(content),
            )
            is_same = entry.content() == content
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an entry: {error!r}") from error
        if not is_same:
            raise ValueError("not in canonical form")
        if entry.deed.action not in ACTIONS or entry.deed.object_kind not in OBJECT_KINDS:
            raise ValueError("unknown action or kind of object")
        return entry
