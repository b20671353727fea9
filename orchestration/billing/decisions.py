"""Signatures, rejections and holds as rows, read from the commits that made them.

Belongs here: one row per decision, one row per held line with whether it still waits. Does not
belong here: making a decision (sign_off.py), writing rows anywhere (derived_rows.py, register.py).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.billing.entries import HELD_SCHEMA, INSTANT, REGISTER_HELD_SCHEMA, column
from orchestration.billing.manifests import Manifest
from orchestration.billing.signed_rows import read_rows

SIGN_OFF_SCHEMA: Final = pa.schema(
    [
        column("sign_off_id", pa.string()),
        column("revision_id", pa.string()),
        column("decision", pa.string()),
        column("signer", pa.string()),
        column("signer_source", pa.string()),
        column("run_id", pa.string()),
        column("signed_at", INSTANT),
        column("note", pa.string()),
        column("manifest_sha256", pa.string()),
        column("held_document_ids", pa.string()),
        column("acknowledgements", pa.string()),
    ]
)


def sign_off_row(manifest: Manifest) -> dict[str, Any] | None:
    """The row of sign_offs that a commit stands for; None when it is no decision.

    Decisions of an earlier version acknowledged nothing.
    """
    if manifest.kind not in ("sign", "reject"):
        return None
    subject = manifest.subject
    return {
        "sign_off_id": subject["sign_off_id"],
        "revision_id": subject["revision_id"],
        "decision": manifest.kind,
        "signer": subject["signer"],
        "signer_source": subject["signer_source"],
        "run_id": subject["run_id"],
        "signed_at": manifest.written_at,
        "note": subject["note"],
        "manifest_sha256": manifest.sha256,
        "held_document_ids": list(subject["held_document_ids"]),
        "acknowledgements": list(subject.get("acknowledgements", [])),
    }


def sign_off_table(chain: Sequence[Manifest]) -> pa.Table:
    """Every decision in order, as the operations database exports it: SIGN_OFF_SCHEMA."""
    rows = [row for row in map(sign_off_row, chain) if row is not None]
    for row in rows:
        row["signed_at"] = row["signed_at"].replace(tzinfo=None)
        for name in ("held_document_ids", "acknowledgements"):
            row[name] = json.dumps(row[name], ensure_ascii=False)
    return pa.Table.from_pylist(rows, schema=SIGN_OFF_SCHEMA)


def held_table(folder: Path, chain: Sequence[Manifest], entries: pa.Table) -> pa.Table:
    """Every held line in order of decision: REGISTER_HELD_SCHEMA.

    A line is open until a later entry settles its key, or a later hold takes its place.

    Args:
        folder: register/.
        chain: its commits.
        entries: REGISTER_ENTRY_SCHEMA.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
    """
    held = read_rows(folder, chain, role="held", schema=HELD_SCHEMA)
    last: dict[Any, int] = {}
    for table in (entries, held):
        for key, sequence in zip(
            table["settlement_key"].to_pylist(), table["register_sequence"].to_pylist(), strict=True
        ):
            last[key] = max(last.get(key, 0), sequence or 0)
    is_open = [
        last[key] == sequence
        for key, sequence in zip(
            held["settlement_key"].to_pylist(), held["register_sequence"].to_pylist(), strict=True
        )
    ]
    return held.append_column(
        REGISTER_HELD_SCHEMA.field("is_open"), pa.chunked_array([is_open], pa.bool_())
    )
