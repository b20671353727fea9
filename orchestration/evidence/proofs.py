"""Proofs over what a pack holds: the register's chain, the tables, the audit entries.

Belongs here: what must agree with what. Does not belong here: whether the files are those that were
packed (verifying.py); what a table holds (register_tables.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.audit.entries import Entry
from orchestration.audit.inputs import entry_table
from orchestration.billing.canonical import table_digest
from orchestration.billing.manifests import (
    Manifest,
    head_of,
    inspect_chain,
    inspect_files,
    manifest_path,
)
from orchestration.billing.posting_payloads import payloads_of
from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.revisions import (
    CANDIDATE_DOCUMENT_SCHEMA,
    DOCUMENT_SCHEMA,
    LINE_SCHEMA,
    Revision,
    content_digest,
    expiries_digest,
    revisions_of,
)
from orchestration.billing.signed_rows import read_committed, read_expiring
from orchestration.evidence.csv_text import csv_bytes
from orchestration.evidence.operations_tables import ingestion_digest
from orchestration.evidence.problems import PackProblem
from orchestration.evidence.readme import TABLES
from orchestration.evidence.register_tables import register_tables
from orchestration.evidence.selection import Subject, needed_files

_REGISTER: Final = "register"


def register_problems(
    folder: Path, subject: Subject, about: Mapping[str, Any]
) -> Iterator[PackProblem]:
    """The chain up to the head, the files of the revisions, and what was signed of them."""
    register = folder / _REGISTER
    chain, problems = inspect_chain(register)
    for problem in problems:
        yield PackProblem(
            path=f"{_REGISTER}/{problem.path}", code="chain_broken", message=problem.message
        )
    head = head_of(chain)
    if vars(head) != about["register_head"]:
        yield PackProblem(
            path=f"{_REGISTER}/{manifest_path(head.sequence)}",
            code="chain_broken",
            message=f"the last commit is not the head that the pack names, "
            f"{about['register_head']['manifest_sha256']}.",
        )
    if problems:
        return
    needed = {each.path for each in needed_files(chain, subject)}
    for problem in inspect_files(register, _only(chain, needed)):
        yield PackProblem(
            path=f"{_REGISTER}/{problem.path}", code="file_changed", message=problem.message
        )
    known = revisions_of(chain)
    for name in subject.revision_ids:
        yield from _revision(register, chain, known[name])


def _only(chain: Sequence[Manifest], paths: set[str]) -> list[Manifest]:
    """The commits, each with those of its files that the pack must have."""
    return [
        Manifest(**vars(each) | {"files": tuple(one for one in each.files if one.path in paths)})
        for each in chain
    ]


def _revision(
    register: Path, chain: Sequence[Manifest], revision: Revision
) -> Iterator[PackProblem]:
    """The digest that was signed follows from the content."""
    freeze = chain[revision.register_sequence - 1]
    documents, lines, provenance = (
        read_committed(register, freeze.files_of(role)[0], schema)
        for role, schema in (
            ("documents", DOCUMENT_SCHEMA),
            ("lines", LINE_SCHEMA),
            ("provenance", PROVENANCE_SCHEMA),
        )
    )
    digested = Revision(
        **vars(revision)
        | {
            "documents_sha256": table_digest(documents.select(CANDIDATE_DOCUMENT_SCHEMA.names)),
            "lines_sha256": table_digest(lines),
            "expiries_sha256": expiries_digest(read_expiring(register, freeze)),
            "provenance_sha256": table_digest(provenance),
        }
    )
    signatures = [
        each
        for each in chain
        if each.kind == "sign" and each.subject["revision_id"] == revision.revision_id
    ]
    signed = [each.subject["content_sha256"] for each in signatures]
    if signed != [content_digest(digested)]:
        yield PackProblem(
            path=f"{_REGISTER}/{revision.folder}",
            code="content_differs",
            message=f"documents, lines and provenance of {revision.revision_id} do not have the "
            "digest that was signed.",
        )


def table_problems(folder: Path, subject: Subject) -> Iterator[PackProblem]:
    """Tables follow from the register, CSV from Parquet, and the sums agree."""
    tables = {name: pq.read_table(folder / "tables" / f"{name}.parquet") for name in TABLES}
    register = folder / _REGISTER
    chain, _ = inspect_chain(register)
    derived = register_tables(register, chain, subject)
    for name, expected in derived.items():
        if not tables[name].equals(expected.cast(expected.schema)):
            message = "does not follow from the files under register/."
            yield PackProblem(path=f"tables/{name}.parquet", code="table_differs", message=message)
    for name, table in tables.items():
        if (folder / "tables" / f"{name}.csv").read_bytes() != csv_bytes(table):
            message = "does not say what the Parquet file beside it says."
            yield PackProblem(path=f"tables/{name}.csv", code="table_differs", message=message)
    yield from _sums(derived)
    yield from _inputs(tables["inputs"], chain, subject)
    yield from _payloads(tables["postings"], derived["entries"])


def _sums(tables: Mapping[str, pa.Table]) -> Iterator[PackProblem]:
    """Entries, documents and signature of each revision, and both sides of the comparison."""
    for row in tables["totals"].to_pylist():
        sides = {row["documents_amount"], row["entries_amount"], row["signature_amount"]}
        if len(sides) != 1:
            yield PackProblem(
                path="tables/totals.parquet",
                code="sums_differ",
                message=f"{row['revision_id']} in {row['currency_code']}: documents "
                f"{row['documents_amount']}, entries {row['entries_amount']}, signature "
                f"{row['signature_amount']}.",
            )
    signed = _by_currency(tables["totals"], "documents_amount")
    compared = _by_currency(tables["month_over_month"], "amount")
    if any(signed.get(code, 0) != compared.get(code, 0) for code in signed | compared):
        yield PackProblem(
            path="tables/month_over_month.parquet",
            code="sums_differ",
            message="its amounts do not add up to the documents.",
        )


def _by_currency(table: pa.Table, column: str) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for row in table.select(["currency_code", column]).to_pylist():
        sums[row["currency_code"]] = sums.get(row["currency_code"], 0) + row[column]
    return sums


def _inputs(inputs: pa.Table, chain: Sequence[Manifest], subject: Subject) -> Iterator[PackProblem]:
    """The listed raw files are those that each revision pinned."""
    known = revisions_of(chain)
    for name in subject.revision_ids:
        pins = known[name].pins
        if ingestion_digest(inputs, pins.ingestion_batch_ids) != pins.ingestion_sha256:
            yield PackProblem(
                path="tables/inputs.parquet",
                code="content_differs",
                message=f"its raw files are not those that {name} was frozen with.",
            )


def _payloads(postings: pa.Table, entries: pa.Table) -> Iterator[PackProblem]:
    """What was planned for the ERP follows from the register."""
    payloads = payloads_of(entries)
    for row in postings.to_pylist():
        payload = payloads.get(row["posting_key"])
        if payload is None or payload.sha256 != row["payload_sha256"]:
            yield PackProblem(
                path="tables/postings.parquet",
                code="content_differs",
                message=f"what was posted under {row['posting_key']} is not what was signed.",
            )


def audit_problems(folder: Path, about: Mapping[str, Any]) -> Iterator[PackProblem]:
    """Each audit entry has its own digest, and the table says the same."""
    path = "audit/entries.jsonl"
    entries = []
    for line in (folder / path).read_bytes().splitlines():
        try:
            entries.append(Entry.parse(line))
        except ValueError as error:
            yield PackProblem(path=path, code="content_differs", message=f"an entry: {error}.")
    head = about["audit_head"]
    for before, entry in zip([None, *entries], entries, strict=False):
        is_next = before is not None and entry.sequence == before.sequence + 1
        if is_next and before is not None and entry.previous_entry_sha256 != before.sha256:
            message = f"entry {entry.sequence} does not carry the digest of the one before."
            yield PackProblem(path=path, code="chain_broken", message=message)
        is_head = entry.sequence == head["sequence"]
        if entry.sequence > head["sequence"] or (is_head and entry.sha256 != head["entry_sha256"]):
            message = f"entry {entry.sequence} is not in the log that the pack's head names."
            yield PackProblem(path=path, code="chain_broken", message=message)
    told = pq.read_table(folder / "tables" / "audit_log.parquet")
    if not told.equals(entry_table(entries)):
        message = f"does not say what {path} says."
        yield PackProblem(path="tables/audit_log.parquet", code="table_differs", message=message)
