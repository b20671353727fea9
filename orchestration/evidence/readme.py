"""README.txt of a pack: what is in it, and how to check it with and without Tallyhouse.

Belongs here: its words. Does not belong here: the checks (verifying.py).
"""

from collections.abc import Mapping
from typing import Any, Final

TABLES: Final = {
    "totals": "Each revision by currency: documents, register entries and signature, side by side.",
    "documents": "Documents of the revisions; is_signed is false where one was held.",
    "entries": "Register entries: what was signed, line by line.",
    "correction_causes": "Lines that correct what was signed, by cause: error or estimate.",
    "held_lines": "Lines of documents that were held at the signature, with the reason.",
    "recorded_entries": "Waivers, concessions, releases and credits recorded about the month.",
    "waivers": "Exceptions that somebody let stand: who, why, until when, and how it ended.",
    "sign_offs": "Who signed what and when, and what it pinned: policy, prices, inputs, code.",
    "checks": "The checks that the signature relied on, with their figures.",
    "exceptions": "Exceptions that were open when the revision was frozen.",
    "provenance": "Prices, contracts, identities and more that were used, each with its author.",
    "inputs": "Every input with its SHA-256: usage, raw, reference and register files.",
    "postings": "Documents in the ERP: number, state, and what the ERP said when last read.",
    "posting_attempts": "Every attempt to post, who made it, and its receipt.",
    "audit_log": "Entries of the audit log that concern the month: who did what.",
    "month_over_month": "By customer and charge: amount then, the month before, difference.",
}
"""Every table of a pack, and what it holds."""

_README: Final = """\
Evidence of {billing_period}
{underline}
Revisions      {revisions}
Register head  {register_head} (commit {register_sequence})
Audit log      {audit_head} (entry {audit_sequence})
Made with      {code_version}

Check it without Tallyhouse
  In this folder: sha256sum -c SHA256SUMS
  Every line must end in OK. Then look at a few documents in the ERP: the memo of each names
  the register commit that signed it, with its digest, as tables/sign_offs does.

Check it with Tallyhouse, on any machine
  tallyhouse verify PACK        (this folder, or the archive)
  It checks every byte, that nothing was added, that each commit carries the digest of the one
  before, that entries, documents and signature add up, that the signed digest follows from
  the content, and that the tables follow from the register files.

tables/      each as CSV for a spreadsheet and as Parquet with exact types
{tables}

register/    the manifests of all commits up to the head, and the files of these revisions
reference/   version.json and policy.yml of the prices and contracts that were used
audit/       the entries of tables/audit_log as they were written, one JSON document a line
pack.json    every file with its SHA-256

How to read it
  Amounts have the decimals of their currency. Instants are UTC. In a CSV, text that a
  spreadsheet would take for a formula stands behind an apostrophe.
  documents_amount, entries_amount and signature_amount of tables/totals are equal.
  month_over_month adds up to the documents of each month, credits included; where nothing
  was signed of the month before, its amount_before is 0.
  exceptions are as of the freeze. A line of provenance is a fact that was used, and its digest.
  Raw usage is not in the pack; tables/inputs has its digests. `tallyhouse reproduce` rebuilds
  the month from it.
"""


def readme_text(about: Mapping[str, Any]) -> str:
    """Return the text for what a pack says of itself."""
    width = max(map(len, TABLES))
    return _README.format(
        billing_period=about["billing_period"],
        underline="=" * len(f"Evidence of {about['billing_period']}"),
        revisions=", ".join(about["revision_ids"]),
        register_head=about["register_head"]["manifest_sha256"],
        register_sequence=about["register_head"]["sequence"],
        audit_head=about["audit_head"]["entry_sha256"],
        audit_sequence=about["audit_head"]["sequence"],
        code_version=about["code_version"],
        tables="\n".join(f"  {name.ljust(width)}  {text}" for name, text in TABLES.items()),
    )
