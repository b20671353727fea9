"""The heads that evidence packs carry: what left the folders that they are the heads of.

Belongs here: reading them from the packs that still lie under reports/. Does not belong here:
judging by them (orchestration/reports/verification.py).
"""

import json
from dataclasses import dataclass
from typing import Final

from orchestration.audit.log import Place
from orchestration.evidence.pack import PACK_FILE
from orchestration.settings import Settings

EVIDENCE_FOLDER: Final = "evidence"


@dataclass(frozen=True, kw_only=True)
class PrintedHeads:
    """The heads of the register and of the audit log when a pack was made."""

    register_head_sha256: str
    audit_head: Place


def printed_heads(settings: Settings) -> list[PrintedHeads]:
    """The heads in every pack under reports/evidence; one that cannot be read says nothing."""
    found = []
    for path in sorted((settings.reports / EVIDENCE_FOLDER).glob(f"*/{PACK_FILE}")):
        try:
            plain = json.loads(path.read_bytes())
            found.append(
                PrintedHeads(
                    register_head_sha256=str(plain["register_head"]["manifest_sha256"]),
                    audit_head=Place(
                        sequence=int(plain["audit_head"]["sequence"]),
                        entry_sha256=str(plain["audit_head"]["entry_sha256"]),
                    ),
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
