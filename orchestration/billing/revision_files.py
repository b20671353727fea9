"""The files that a revision brings into the register.

Belongs here: which files, their roles and places, the posting keys of the documents in them. Does
not belong here: the revision itself (revisions.py), its commit (freeze.py, commits.py).
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from orchestration.billing.canonical import canonical_bytes
from orchestration.billing.commits import NewFile, parquet_file
from orchestration.billing.expiries import EXPIRIES, EXPIRY_SCHEMA
from orchestration.billing.posting_keys import posting_key
from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.revisions import DOCUMENT_SCHEMA, LINE_SCHEMA, Revision


def revision_files(
    revision: Revision,
    *,
    subject: Mapping[str, Any],
    documents: pa.Table,
    lines: pa.Table,
    expiries: pa.Table,
    provenance: pa.Table,
    exceptions: pa.Table,
) -> list[NewFile]:
    """The files of a revision, each under its role, all below its folder.

    Args:
        revision: as it is frozen.
        subject: what the commit says of it.
        documents: CANDIDATE_DOCUMENT_SCHEMA; each is given its posting key.
        lines: LINE_SCHEMA.
        expiries: EXPIRY_SCHEMA; the file is there when nothing expires, too.
        provenance: PROVENANCE_SCHEMA.
        exceptions: what stood in the way of billing something, with the columns that the mart has;
            evidence beside the revision, not under its content digest.
    """
    keyed = documents.append_column(
        DOCUMENT_SCHEMA.field("posting_key"),
        pa.chunked_array([_posting_keys(revision, documents, lines)], pa.string()),
    )
    return [
        parquet_file(role, table, schema, f"{revision.folder}/{role}.parquet")
        for role, table, schema in (
            ("documents", keyed, DOCUMENT_SCHEMA),
            ("lines", lines, LINE_SCHEMA),
            (EXPIRIES, expiries, EXPIRY_SCHEMA),
            ("provenance", provenance, PROVENANCE_SCHEMA),
            ("exceptions", exceptions, exceptions.schema),
        )
    ] + [
        NewFile(
            path=f"{revision.folder}/revision.json",
            role="revision",
            content=canonical_bytes(subject) + b"\n",
        )
    ]


def _posting_keys(revision: Revision, documents: pa.Table, lines: pa.Table) -> list[str]:
    firsts = lines.group_by("document_id").aggregate(
        [("settlement_key", "min"), ("original_document_id", "min")]
    )
    first_by_document = {row["document_id"]: row for row in firsts.to_pylist()}
    return [
        posting_key(
            tenant_id=revision.pins.tenant_id,
            legal_entity_id=row["legal_entity_id"],
            bill_to_customer_id=row["bill_to_customer_id"],
            currency_code=row["currency_code"],
            billing_period=row["billing_period"],
            document_kind=row["document_kind"],
            revision_number=revision.revision_number,
            first_settlement_key=first["settlement_key_min"],
            original_document_id=first["original_document_id_min"],
            run_period=revision.billing_period,
        )
        for row in documents.to_pylist()
        for first in (first_by_document[row["document_id"]],)
    ]
