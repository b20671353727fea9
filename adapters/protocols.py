"""What every ERP and CRM adapter can do, and what it promises.

Belongs here: protocols only. Each promise is a test of the shared contract suite (tests/contract),
which every adapter passes before it meets a customer's books. Does not belong here: the order of
the calls, which is the posting engine's.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from adapters.models import (
    CrmAcknowledgement,
    CrmRecord,
    Document,
    ErpDocument,
    ErpLimits,
    ErpMasters,
    IdempotencyClass,
)


class ErpAdapter(Protocol):
    """One account of one ERP.

    Every call either returns, or raises an adapters.errors class whose promise holds: after
    RetryableError and RejectedError the ERP did nothing; after anything else it may have.
    """

    @property
    def name(self) -> str:
        """The adapter's registered name, kept with each posting."""
        ...

    @property
    def idempotency_class(self) -> IdempotencyClass:
        """What the ERP does with a document sent twice; the engine follows it."""
        ...

    @property
    def limits(self) -> ErpLimits:
        """What the ERP holds, and how long a call can be under way inside it."""
        ...

    def create_draft(self, document: Document, *, correlation_id: str) -> ErpDocument:
        """Create the document under its posting key, not yet posted where the ERP has drafts.

        Raises:
            DuplicateKeyError: class A only: the key is taken.
            RejectedError: the ERP does not take the document; nothing of it was kept.
            RetryableError: the ERP did nothing.
            UnknownOutcomeError: a draft may exist, now or within limits.settle_seconds.
        """
        ...

    def find_by_key(self, posting_key: str) -> tuple[ErpDocument, ...]:
        """Read every document under the key from the primary, oldest first, drafts included."""
        ...

    def finalise(self, erp_document_id: str, *, correlation_id: str) -> ErpDocument:
        """Post a draft: it gets its number and cannot be deleted any more.

        Raises:
            DocumentStateError: it is posted already, or gone.
            RejectedError: the ERP refuses to post it; it stays a draft.
            RetryableError: the ERP did nothing.
            UnknownOutcomeError: it may be posted, now or within limits.settle_seconds.
        """
        ...

    def void_draft(self, erp_document_id: str) -> None:
        """Delete a draft; one that is gone already is no error.

        Raises:
            DocumentStateError: it is posted, so it stays.
            RetryableError, UnknownOutcomeError: as above.
        """
        ...

    def read_documents(self, *, changed_since: datetime | None = None) -> Iterator[ErpDocument]:
        """Read documents, oldest first, changed at or after an instant; a replica may answer."""
        ...


@runtime_checkable
class TakesMasters(Protocol):
    """An ERP that is not the master of customers and items, such as the sandbox."""

    def load_masters(self, masters: ErpMasters) -> None:
        """Make exactly these masters known; a document naming others is rejected."""
        ...


class CrmAdapter(Protocol):
    """One account of one CRM, written by external id."""

    @property
    def name(self) -> str:
        """The adapter's registered name."""
        ...

    @property
    def batch_size(self) -> int:
        """Most records of one upsert call."""
        ...

    def upsert(
        self, records: Sequence[CrmRecord], *, correlation_id: str
    ) -> tuple[CrmAcknowledgement, ...]:
        """Create or change records by (object_name, external_id); one answer per record, in order.

        Repeating a call changes nothing. One refused record never stops the others.

        Raises:
            RetryableError: the CRM did nothing.
            UnknownOutcomeError: some of it may be done.
        """
        ...

    def read(self, object_name: str, external_ids: Sequence[str]) -> tuple[CrmRecord, ...]:
        """Read what the CRM holds of these records; those it does not know are absent."""
        ...
