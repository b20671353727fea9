"""The key under which one signed document is posted: the same for every attempt, for ever.

Belongs here: the derivation from content identity. Does not belong here: using the key towards a
vendor (posting.py), or proving it unique, which the register does at commit.
"""

import base64
import hashlib
import re
from typing import Final

from orchestration.billing.canonical import length_prefixed

POSTING_KEY_PATTERN: Final = re.compile(r"^U[A-Z2-7]{17}$")
_DIGEST_CHARACTERS: Final = 17


def posting_key(
    *,
    tenant_id: str,
    legal_entity_id: str,
    bill_to_customer_id: str,
    currency_code: str,
    billing_period: str,
    document_kind: str,
    revision_number: int,
    first_settlement_key: str,
    original_document_id: str | None,
    run_period: str,
) -> str:
    """Eighteen characters, "U" and 17 of A-Z and 2-7, from who is billed what in which revision.

    The document that is corrected counts where there is one, and the period of the run where it is
    a later one than the document's own.

    85 bits of SHA-256 over length-prefixed parts: among ten million documents two share a key with
    a probability of about 1 in 10**12, and the register refuses the second one then.
    """
    parts = (
        {
            "tenant_id": tenant_id,
            "legal_entity_id": legal_entity_id,
            "bill_to_customer_id": bill_to_customer_id,
            "currency_code": currency_code,
            "billing_period": billing_period,
            "document_kind": document_kind,
            "revision_number": str(revision_number),
            "first_settlement_key": first_settlement_key,
        }
        | ({} if original_document_id is None else {"original_document_id": original_document_id})
        | ({} if run_period == billing_period else {"run_period": run_period})
    )
    encoded = base64.b32encode(hashlib.sha256(length_prefixed(parts)).digest()).decode("ascii")
    return f"U{encoded[:_DIGEST_CHARACTERS]}"
