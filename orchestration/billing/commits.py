"""One commit of the register: what it brings along, what refuses it, and its order of writing.

Belongs here: compare-and-set, uniqueness of posting keys, files first and the manifest last. Does
not belong here: the lock and the sweep (register.py); what the files contain (freeze.py,
sign_off.py).
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.canonical import bytes_digest
from orchestration.billing.entries import (
    CREDIT_KINDS,
    DOCUMENT_KINDS,
    ENTRY_SCHEMA,
    HELD_SCHEMA,
    fold_billed,
    refuse_invalid_entries,
)
from orchestration.billing.manifests import ListedFile, Manifest, head_of, manifest_path
from orchestration.billing.refusals import PostingKeyTakenError, RegisterMovedError, listed
from orchestration.billing.signed_rows import read_entries
from orchestration.durable import FileTakenError, Steps, disk_errors, put_new_file


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file that a commit brings along: where, what for, its bytes, its rows if it is Parquet."""

    path: str
    role: str
    content: bytes
    row_count: int | None = None

    def listed(self) -> ListedFile:
        """How the manifest lists it."""
        return ListedFile(
            path=self.path,
            role=self.role,
            sha256=bytes_digest(self.content),
            byte_size=len(self.content),
            row_count=self.row_count,
        )


class RegisterSession:
    """The right to write, held by one process at a time.

    Attributes:
        chain: every commit, including those of this session.
        swept: what was taken away when the session began.
    """

    def __init__(
        self,
        folder: Path,
        chain: tuple[Manifest, ...],
        steps: Steps,
        *,
        swept: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.chain = chain
        self.swept = swept
        self._steps = steps

    def commit(
        self,
        *,
        kind: str,
        subject: Mapping[str, Any],
        now: datetime,
        entries: pa.Table | None = None,
        held: pa.Table | None = None,
        files: Sequence[NewFile] = (),
    ) -> Manifest:
        """Write the files, then the manifest; see Register.commit for arguments and errors."""
        new_files = list(files)
        if entries is not None and entries.num_rows:
            refuse_invalid_entries(entries)
            self._refuse_moved(entries)
            self._refuse_taken_posting_keys(entries)
            new_files.append(parquet_file("entries", entries, ENTRY_SCHEMA))
        if held is not None and held.num_rows:
            new_files.append(parquet_file("held", held, HELD_SCHEMA))
        head = head_of(self.chain)
        draft = Manifest(
            sequence=head.sequence + 1,
            previous_manifest_sha256=head.manifest_sha256,
            kind=kind,
            written_at=now,
            files=tuple(each.listed() for each in new_files),
            subject=subject,
        )
        manifest = Manifest.parse(draft.content())
        self._write(manifest, new_files)
        self.chain = (*self.chain, manifest)
        return manifest

    def _write(self, manifest: Manifest, new_files: Sequence[NewFile]) -> None:
        folder = self.folder
        known = {each.path for earlier in self.chain for each in earlier.files}
        with disk_errors(f"Wrote commit {manifest.sequence} of the register {folder}"):
            try:
                for each in new_files:
                    if each.path not in known:
                        put_new_file(folder / each.path, each.content, steps=self._steps)
                put_new_file(
                    folder / manifest_path(manifest.sequence),
                    manifest.content(),
                    steps=self._steps,
                )
            except FileTakenError as error:
                raise RegisterMovedError(
                    f"Wrote commit {manifest.sequence} of the register {folder}: another process "
                    "committed first, and its commit stands. Look at the new state, freeze again "
                    "if it differs, and sign again."
                ) from error

    def _refuse_moved(self, entries: pa.Table) -> None:
        keyed = entries.filter(
            pc.and_(
                pc.is_valid(entries["settlement_key"]),
                pc.invert(pc.is_in(entries["entry_kind"], value_set=pa.array(CREDIT_KINDS))),
            )
        )
        believed: list[Any] = list(
            zip(
                keyed["settlement_key"].to_pylist(), keyed["billed_before"].to_pylist(), strict=True
            )
        )
        billed = fold_billed(read_entries(self.folder, self.chain))
        refuse_moved(billed, believed, tried="Tried to sign entries")

    def _refuse_taken_posting_keys(self, entries: pa.Table) -> None:
        is_document = pc.and_(
            pc.is_in(entries["entry_kind"], value_set=pa.array(DOCUMENT_KINDS)),
            pc.is_valid(entries["posting_key"]),
        )
        documents: list[Any] = (
            entries.filter(is_document)
            .group_by(["posting_key", "document_id"])
            .aggregate([])["posting_key"]
            .to_pylist()
        )
        earlier = set(read_entries(self.folder, self.chain)["posting_key"].to_pylist())
        taken = sorted(
            key for key, count in Counter(documents).items() if key in earlier or count > 1
        )
        if taken:
            raise PostingKeyTakenError(
                f"Tried to sign {len(documents)} documents: the posting keys of {len(taken)} stand "
                "for another document already. Nothing was written. Freeze the period again, which "
                "gives a new revision number and new keys, then sign that. The posting keys are "
                f"{listed(taken)}."
            )


def refuse_moved(
    billed: Mapping[str, Decimal], believed: Iterable[tuple[str, Decimal]], *, tried: str
) -> None:
    """Compare-and-set: refuse when the register says otherwise than billed_before.

    Args:
        billed: what the register says per settlement key.
        believed: (settlement key, billed_before) of every line.
        tried: the deed, for the message.

    Raises:
        RegisterMovedError: names the keys.
    """
    moved = {
        key: (before, billed.get(key, Decimal(0)))
        for key, before in believed
        if billed.get(key, Decimal(0)) != before
    }
    if moved:
        raise RegisterMovedError.of_keys(moved, tried=tried)


def parquet_file(role: str, table: pa.Table, schema: pa.Schema, path: str | None = None) -> NewFile:
    """A table as a file of a commit; without a path it is named by the digest of its bytes."""
    sink = io.BytesIO()
    pq.write_table(table.cast(schema), sink, compression="zstd")
    content = sink.getvalue()
    return NewFile(
        path=path or f"{role}/{bytes_digest(content)}.parquet",
        role=role,
        content=content,
        row_count=table.num_rows,
    )
