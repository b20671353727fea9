"""The sandbox ERP as the posting engine meets it: calls that can fail on the way.

Belongs here: the ErpAdapter over the ledger, and what each fault does to a call.
Does not belong here: the ledger's rules (erp_ledger.py); when to call what.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from adapters.errors import (
    RejectedError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)
from adapters.models import Document, ErpDocument, ErpLimits, ErpMasters, IdempotencyClass
from adapters.sandbox.erp_ledger import ErpLedger
from adapters.sandbox.faults import Fault, FaultPlan

SETTLE_SECONDS = 2.0

Answer = TypeVar("Answer")


class SandboxErp:
    """One sandbox ERP account, kept in <folder>/<name>.sqlite.

    Attributes:
        ledger: its books, for what people do in an ERP: close a month, record a payment.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        idempotency_class: IdempotencyClass,
        now_fn: Callable[[], datetime],
        faults: FaultPlan,
    ) -> None:
        self.name = name
        self.idempotency_class = idempotency_class
        self.limits = ErpLimits(settle_seconds=SETTLE_SECONDS)
        self.ledger = ErpLedger(
            folder / f"{name}.sqlite",
            has_unique_keys=idempotency_class is IdempotencyClass.SERVER_KEY,
            settle_seconds=SETTLE_SECONDS,
            now_fn=now_fn,
        )
        self._now_fn = now_fn
        self._faults = faults

    def load_masters(self, masters: ErpMasters) -> None:
        """Make exactly these masters known; a document naming others is rejected."""
        self.ledger.load_masters(masters)

    def create_draft(self, document: Document, *, correlation_id: str) -> ErpDocument:
        """Create a draft: see ErpAdapter.create_draft."""
        return self._call(
            "create_draft",
            lambda: self.ledger.create_draft(document, correlation_id=correlation_id),
            argument=document.model_dump_json(),
            correlation_id=correlation_id,
        )

    def find_by_key(self, posting_key: str) -> tuple[ErpDocument, ...]:
        """Read every document under the key from the books: see ErpAdapter.find_by_key."""
        return self._call("find_by_key", lambda: self.ledger.under_key(posting_key))

    def finalise(self, erp_document_id: str, *, correlation_id: str) -> ErpDocument:
        """Post a draft: see ErpAdapter.finalise."""
        return self._call(
            "finalise",
            lambda: self.ledger.finalise(erp_document_id),
            argument=erp_document_id,
            correlation_id=correlation_id,
        )

    def void_draft(self, erp_document_id: str) -> None:
        """Delete a draft: see ErpAdapter.void_draft."""
        self._call("void_draft", lambda: self.ledger.void_draft(erp_document_id))

    def read_documents(self, *, changed_since: datetime | None = None) -> Iterator[ErpDocument]:
        """Read changed documents: see ErpAdapter.read_documents."""
        fault = self._before("read_documents")
        as_of = None if fault is None else self._now_fn() - timedelta(seconds=fault.seconds)
        yield from self.ledger.changed_between(changed_since, as_of)

    def _call(
        self,
        call: str,
        do: Callable[[], Answer],
        *,
        argument: str = "",
        correlation_id: str = "",
    ) -> Answer:
        fault = self._before(call)
        if fault is not None and fault.effect == "commit_late":
            self.ledger.take_for_later(
                call, argument, correlation_id=correlation_id, seconds=fault.seconds
            )
            raise _no_answer(self.name, call)
        answer = do()
        if fault is not None and fault.effect == "drop_answer":
            raise _no_answer(self.name, call)
        return answer

    def _before(self, call: str) -> Fault | None:
        self.ledger.do_what_is_due()
        return befall(self._faults, self.name, call)


def befall(faults: FaultPlan, system: str, call: str) -> Fault | None:
    """Draw the call's fault; raise the ones after which nothing was done, return the others.

    Raises:
        ThrottledError, UnavailableError, RejectedError: as the fault says.
    """
    fault = faults.next_fault(call)
    if fault is None:
        return None
    if fault.effect == "throttle":
        raise ThrottledError(
            f"Called {call} of {system}: too many calls. Call again in {fault.seconds:g} s.",
            retry_after=fault.seconds,
        )
    if fault.effect == "refuse_connection":
        raise UnavailableError(f"Called {call} of {system}: connection refused. Call again later.")
    if fault.effect == "reject":
        raise RejectedError(
            f"Called {call} of {system}: refused by a rule of its own. Change the data first.",
            code="rejected_by_rule",
        )
    return fault


def _no_answer(system: str, call: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        f"Called {call} of {system}: the connection broke before an answer came. "
        f"Look the document up by its key after {SETTLE_SECONDS:g} s."
    )
