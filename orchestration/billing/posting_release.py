"""The end of a posting whose document is released: it is never sent again.

Belongs here: which postings may end so, and their move. Does not belong here: the entries of a
release (orchestration/recording), every other move (posting_states.py).

The move is committed before the release is signed, so that no poster can send in between. If the
process dies there, the posting is abandoned and not released: recording again finishes it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.billing.posting_payloads import Payload
from orchestration.billing.posting_states import insert_planned
from orchestration.failures import RefusedError
from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import erp_documents, postings

_NEVER_SENT: Final = ("planned", "rejected")
_GONE: Final = ("cancelled", "missing")


class PostingNotReleasableError(RefusedError):
    """A document is in the ERP, or may be."""

    code = "posting_not_releasable"


def abandon_postings(
    engine: Engine, payloads: Sequence[Payload], *, erp: str, now: datetime
) -> None:
    """End the postings of documents that are about to be released: all of them, or none.

    A posting that the ERP refused, or that never began, is abandoned. One that was posted may be
    released once the read-back found its document cancelled or gone, and stays posted.

    Raises:
        PostingNotReleasableError: a document stands in the ERP, or nobody knows whether it does.
    """
    insert_planned(engine, payloads, erp=erp, now=now)
    with write_transaction(engine) as connection:
        for payload in payloads:
            _abandon(connection, payload, now=now)


def released_document_ids(entries: pa.Table) -> set[str]:
    """Ids of the documents that a release in the register names: entries' original documents."""
    is_release = pc.is_in(entries["entry_kind"], value_set=pa.array(["release"]))
    ids: list[Any] = entries["original_document_id"].filter(is_release).to_pylist()
    return {str(document_id) for document_id in ids}


def _abandon(connection: Connection, payload: Payload, *, now: datetime) -> None:
    moved = connection.execute(
        sa.update(postings)
        .where(postings.c.posting_key == payload.posting_key, postings.c.state.in_(_NEVER_SENT))
        .values(state="abandoned", updated_at=now)
    )
    if moved.rowcount:
        return
    state, status = connection.execute(
        sa.select(postings.c.state, erp_documents.c.status)
        .select_from(
            postings.outerjoin(erp_documents, postings.c.posting_key == erp_documents.c.posting_key)
        )
        .where(postings.c.posting_key == payload.posting_key)
    ).one()
    if state == "abandoned" or (state == "posted" and status in _GONE):
        return
    next_step = (
        "Cancel it there, run `tallyhouse post`, which reads it back, and record again."
        if state == "posted"
        else "Run `tallyhouse post`, which looks for it there, and record again."
    )
    raise PostingNotReleasableError(
        f"Tried to release document {payload.document_id} (key {payload.posting_key}): its posting "
        f"is {state}, so it is in the ERP or may be. {next_step}"
    )
