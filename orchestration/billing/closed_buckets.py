"""Whether what a revision would bill was closed since it was frozen.

Belongs here: compare-and-set over waived and carried amounts, as commits.py does it over what was
billed. Does not belong here: making those entries (orchestration/recording).
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.entries import BUCKET_KINDS
from orchestration.billing.manifests import Head
from orchestration.billing.refusals import ClosedSinceError, listed


def refuse_closed_since(signed: pa.Table, new: pa.Table, *, since: Head, tried: str) -> None:
    """Let only entries pass of keys that nobody closed after the revision was frozen.

    Args:
        signed: the register's entries, REGISTER_ENTRY_SCHEMA.
        new: those about to be signed.
        since: the register's head when the revision was frozen.
        tried: the revision, for the message.

    Raises:
        ClosedSinceError: names the records that closed some of it.
    """
    is_later: Any = pc.and_(
        pc.greater(signed["register_sequence"], pa.scalar(since.sequence, pa.int64())),
        pc.is_in(signed["entry_kind"], value_set=pa.array(BUCKET_KINDS)),
    )
    keys = new["settlement_key"].combine_chunks()
    closed: Any = signed.filter(is_later)
    closed = closed.filter(pc.is_in(closed["settlement_key"], value_set=keys))
    if closed.num_rows:
        records = sorted({str(record) for record in closed["record_id"].to_pylist()})
        raise ClosedSinceError(
            f"Tried to sign {tried}: {listed(records)} closed some of it after it was frozen. "
            "Nothing was written. Close the billing period again (`tallyhouse run`), and sign the "
            "new revision."
        )
