"""Evidence packs that were made or verified, for a person and for a program.

Belongs here: the order of the answer, its words. Does not belong here: making and verifying
(orchestration/evidence).
"""

from typing import Any, Final

from rich.console import Console

from orchestration.evidence import MadePack, PackVerification
from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets

_SHOWN: Final = 30


def print_pack(console: Console, made: MadePack) -> None:
    """Print what a pack is about, where it lies, and the digests to write down."""
    sheet = Sheet(
        f"Evidence of {made.subject.billing_period}",
        Column("revision"),
        Column("documents", Kind.FIGURE),
        Column("signed", Kind.FIGURE),
    )
    for row in made.tables["totals"].to_pylist():
        code = row["currency_code"]
        sheet.add_row(
            row["revision_id"],
            f"{row['document_count']:,}",
            f"{code} {money_text(row['signature_amount'], code)}",
        )
    print_sheets(console, sheet)
    for line in (
        f"Folder         {made.folder}",
        f"Archive        {made.archive} ({made.file_count:,} files, {made.byte_size:,} bytes)",
        f"Its SHA-256    {made.archive_sha256}",
        f"Register head  {made.register_head_sha256}",
        f"Audit log      {made.audit_head.entry_sha256} (entry {made.audit_head.sequence:,})",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def pack_json(made: MadePack) -> dict[str, Any]:
    """Return the answer as JSON."""
    return made.subject.plain() | {
        "folder": made.folder,
        "archive": made.archive,
        "archive_sha256": made.archive_sha256,
        "file_count": made.file_count,
        "byte_size": made.byte_size,
        "register_head_sha256": made.register_head_sha256,
        "audit_head": vars(made.audit_head),
        "row_counts": {name: table.num_rows for name, table in made.tables.items()},
        "totals": [
            {
                "revision_id": row["revision_id"],
                "currency_code": row["currency_code"],
                "document_count": row["document_count"],
                "amount": amount_text(row["signature_amount"], row["currency_code"]),
            }
            for row in made.tables["totals"].to_pylist()
        ],
    }


def print_pack_verification(console: Console, found: PackVerification) -> None:
    """Print the verdict, every problem with its file, and the heads to compare by eye."""
    if found.is_sound:
        console.print(f"[green]sound[/] {found.path}", highlight=False, soft_wrap=True)
    else:
        sheet = Sheet(
            f"NOT SOUND: {found.path}",
            Column("file"),
            Column("problem"),
            Column("what is wrong", Kind.WORDS),
        )
        for problem in found.problems[:_SHOWN]:
            sheet.add_row(problem.path, problem.code, problem.message)
        print_sheets(console, sheet)
        more = len(found.problems) - _SHOWN
        if more > 0:
            console.print(f"and {more:,} more; --json has all of them", highlight=False)
    if found.about:
        head = found.about["audit_head"]
        for line in (
            f"Revisions      {', '.join(found.about['revision_ids'])}",
            f"Register head  {found.about['register_head']['manifest_sha256']}",
            f"Audit log      {head['entry_sha256']} (entry {head['sequence']:,})",
        ):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def verification_json(found: PackVerification) -> dict[str, Any]:
    """Return the answer as JSON."""
    return {
        "pack": found.path,
        "is_sound": found.is_sound,
        "problems": [vars(problem) for problem in found.problems],
        "about": dict(found.about),
    }
