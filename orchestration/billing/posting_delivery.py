"""One document, one adapter: from signed payload to one document in the ERP, never two.

Belongs here: the calls of one attempt and their order, per idempotency class; comparing what the
ERP holds with what was signed. Does not belong here: states and retries (posting_states.py,
posting.py); wire formats.

A first attempt creates; a later one looks up first, because an earlier one may have left a draft or
more, and so does one for a document of which nobody knows whether it was ever sent. Then, whatever
the class:
* a document that is posted already is taken as it is, and drafts beside it are deleted;
* of several drafts the oldest is kept and the others are deleted before anything is posted; a
  deletion that the ERP refuses means that another poster was faster, so everything is read again;
* the draft is compared with what was signed, the claim is proved once more, then it is posted.
Where the server knows no key (class C) the look-up comes after the create as well: two posters that
both created see each other's drafts there, and both keep the oldest.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from adapters.errors import (
    AdapterError,
    ConfigurationError,
    DocumentStateError,
    DuplicateKeyError,
    RejectedError,
    UnknownOutcomeError,
)
from adapters.models import Document, ErpDocument, IdempotencyClass
from adapters.protocols import ErpAdapter

MOST_ROUNDS: Final = 5
POSTABLE_CLASSES: Final = (
    IdempotencyClass.SERVER_KEY,
    IdempotencyClass.ASYNC_JOB,
    IdempotencyClass.DRAFT_THEN_POST,
)

Answer = TypeVar("Answer")


def refuse_unpostable(erp: ErpAdapter) -> None:
    """Let only ERPs pass in which one document can be kept one.

    Raises:
        ConfigurationError: the adapter declares idempotency class D.
    """
    if erp.idempotency_class not in POSTABLE_CLASSES:
        raise ConfigurationError(
            f"Post to {erp.name}: it declares idempotency class {erp.idempotency_class.value}, so "
            "a lost answer could double an invoice. Choose an ERP with keys or drafts.",
            code="idempotency_class_refused",
        )


def differences(document: Document, held: ErpDocument) -> tuple[str, ...]:
    """Name every figure in which the ERP's document is not the signed one; amounts as decimals."""
    pairs: list[tuple[str, object, object]] = [
        ("document_kind", document.document_kind, held.document_kind),
        ("legal_entity_id", document.legal_entity_id, held.legal_entity_id),
        ("customer_id", document.customer_id, held.customer_id),
        ("currency_code", document.currency_code, held.currency_code),
        ("total_amount", document.total_amount, held.total_amount),
    ]
    held_lines = {line.line_number: line for line in held.lines}
    signed_lines = {line.line_number: line for line in document.lines}
    for number in sorted(held_lines.keys() | signed_lines.keys()):
        signed, found = signed_lines.get(number), held_lines.get(number)
        if signed is None or found is None:
            pairs.append((f"line {number}", signed and "signed", found and "present"))
            continue
        pairs += [
            (f"line {number} item", signed.item, found.item),
            (f"line {number} quantity", signed.quantity, found.quantity),
            (f"line {number} amount", signed.amount, found.amount),
            (f"line {number} in tax base", signed.is_in_tax_base, found.is_in_tax_base),
        ]
    if held.status == "cancelled":
        pairs.append(("status", "posted", held.status))
    return tuple(
        f"{name}: signed {_shown(signed)}, the ERP has {_shown(found)}"
        for name, signed, found in pairs
        if signed != found
    )


class Delivery:
    """The calls of one attempt to bring one document into one ERP.

    Attributes:
        document: what was signed.
        calls: what was called and what came back, in order, for the attempt's record.
    """

    def __init__(
        self,
        erp: ErpAdapter,
        document: Document,
        *,
        correlation_id: str,
        prove_claim: Callable[[], None],
    ) -> None:
        self.calls: list[dict[str, Any]] = []
        self._erp = erp
        self.document = document
        self._correlation_id = correlation_id
        self._prove_claim = prove_claim

    def run(self, *, looks_first: bool, may_create: bool) -> ErpDocument:
        """Bring the document into the ERP, posted, exactly once; return it as read back.

        Args:
            looks_first: an earlier attempt may have left something under the key.
            may_create: whether a document that is not there may be created.

        Raises:
            AdapterError: by class, as the ERP answered.
            ClaimLostError: another poster has the document.
        """
        found = self._find() if looks_first else ()
        if not found:
            if not may_create:
                raise UnknownOutcomeError(
                    f"Looked document {self.document.posting_key} up in {self._erp.name}: it is "
                    "not there after many attempts whose outcome is unknown. Find out with the "
                    "ERP's operator what happens to it, then retry or abandon it.",
                    code="posting_stuck",
                )
            found = self._create()
        return self._settle(found)

    def _create(self) -> tuple[ErpDocument, ...]:
        self._prove_claim()
        try:
            created = self._call(
                "create_draft",
                lambda: self._erp.create_draft(self.document, correlation_id=self._correlation_id),
            )
        except DuplicateKeyError:
            return self._find()
        if self._erp.idempotency_class is IdempotencyClass.DRAFT_THEN_POST:
            return self._find()
        return (created,)

    def _settle(self, found: Sequence[ErpDocument]) -> ErpDocument:
        for _ in range(MOST_ROUNDS):
            standing = [each for each in found if not each.is_draft]
            drafts = [each for each in found if each.is_draft]
            kept = standing[0] if standing else (drafts[0] if drafts else None)
            if kept is None:
                break
            try:
                for draft in drafts:
                    if draft is not kept:
                        self._void(draft)
                if kept.is_draft:
                    self._refuse_different(kept)
                    self._finalise(kept)
            except DocumentStateError:
                found = self._find()
            else:
                return self._read_back(kept) if kept.is_draft else kept
        raise UnknownOutcomeError(
            f"Posted document {self.document.posting_key} to {self._erp.name}: what is there under "
            "the key keeps changing or cannot be found. Look it up again later."
        )

    def _finalise(self, draft: ErpDocument) -> ErpDocument:
        self._prove_claim()
        return self._call(
            "finalise",
            lambda: self._erp.finalise(draft.erp_document_id, correlation_id=self._correlation_id),
        )

    def _void(self, draft: ErpDocument) -> None:
        """Delete a draft beside the kept document: safe without the claim, as all keep the same."""
        self._call("void_draft", lambda: self._erp.void_draft(draft.erp_document_id))

    def _read_back(self, posted: ErpDocument) -> ErpDocument:
        for each in self._find():
            if each.erp_document_id == posted.erp_document_id and not each.is_draft:
                return each
        raise UnknownOutcomeError(
            f"Read document {self.document.posting_key} back from {self._erp.name} after posting "
            "it: it is not there, or still a draft. Look it up again later."
        )

    def _find(self) -> tuple[ErpDocument, ...]:
        found = self._call("find_by_key", lambda: self._erp.find_by_key(self.document.posting_key))
        return tuple(sorted(found, key=lambda each: each.erp_document_id))

    def _refuse_different(self, draft: ErpDocument) -> None:
        if found := differences(self.document, draft):
            raise RejectedError(
                f"Post draft {draft.erp_document_id} for {self.document.posting_key}: it is not "
                f"what was signed ({'; '.join(found)}). Delete the draft in the ERP, then "
                "post again.",
                code="draft_differs",
            )

    def _call(self, name: str, do: Callable[[], Answer]) -> Answer:
        try:
            answer = do()
        except AdapterError as error:
            self.calls.append({"call": name, "error_code": error.code, "error": str(error)})
            raise
        self.calls.append({"call": name, "answer": _summary(answer)})
        return answer


def _summary(answer: object) -> Any:
    if isinstance(answer, ErpDocument):
        return {
            "erp_document_id": answer.erp_document_id,
            "status": answer.status,
            "document_number": answer.document_number,
            "total_amount": format(answer.total_amount, "f"),
            "currency_code": answer.currency_code,
        }
    if isinstance(answer, tuple):
        return [_summary(each) for each in answer]
    return None


def _shown(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
