"""The posting engine: what was signed goes into the ERP exactly once.

Owns: the rows of postings and posting_attempts; the order of documents; what follows an outcome.
Does not own: the calls for one document (posting_delivery.py), the moves between states
(posting_states.py), payloads (posting_payloads.py), what the ERP says later (posting_read_back.py).

Consistency (invariants 10, 11, 12):
* nothing is sent that the register does not derive again, with the digest it was planned with;
* the intent is committed before the first byte, the receipt after the last;
* an unknown outcome is looked up by key, from the primary, after the ERP's own time limit, and
  only what is not there then is sent again;
* one rejected document never holds the others; an outage stops the run where it is, in order.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Engine

from adapters.errors import (
    AdapterError,
    ConfigurationError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from adapters.models import ErpDocument
from adapters.protocols import ErpAdapter
from orchestration.actors import TALLYHOUSE, Actor
from orchestration.billing.posting_delivery import Delivery, differences, refuse_unpostable
from orchestration.billing.posting_payloads import DocumentInvalidError, Payload, payloads_of
from orchestration.billing.posting_read_back import DIFFERS_CODE, read_back
from orchestration.billing.posting_release import released_document_ids
from orchestration.billing.posting_states import (
    Claim,
    ClaimLostError,
    Ending,
    OpenPosting,
    claim,
    end,
    insert_planned,
    known_posting_keys,
    open_postings,
    renew,
)
from orchestration.billing.register import Register
from orchestration.failures import TallyhouseError
from orchestration.settings import Settings

__all__ = ["PostingSummary", "plan_postings", "post_pending", "read_back"]

STUCK_AFTER_ATTEMPTS: Final = 6
MOST_PAUSES: Final = 6
LONGEST_PAUSE_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class PostingSummary:
    """What one run of the poster did; counts of documents.

    Attributes:
        posted: now posted, found there already or sent.
        rejected: refused by the ERP or by us before sending; a person changes data.
        unknown: no answer; looked up by a later run.
        waiting: still within the ERP's time limit after an earlier unknown outcome.
        delayed: not sent because the ERP asked for a pause or could not be reached.
        taken: another poster has them.
        broken: of those posted, how many the ERP holds otherwise than signed.
        stopped_by: why the run ended before its last document; None when it did not.
    """

    posted: int = 0
    rejected: int = 0
    unknown: int = 0
    waiting: int = 0
    delayed: int = 0
    taken: int = 0
    broken: int = 0
    stopped_by: str | None = None


def plan_postings(settings: Settings, engine: Engine, *, now: datetime) -> int:
    """Make a planned posting for every signed document that has none; return how many.

    A document that was released is not planned.

    Planning again plans nothing twice, also when two processes do it at once.

    Raises:
        RegisterDamagedError: the register is not as it was committed.
    """
    entries = Register(settings.register).entries()
    released = released_document_ids(entries)
    known = known_posting_keys(engine)
    missing = [
        payload
        for key, payload in payloads_of(entries).items()
        if key not in known and payload.document_id not in released
    ]
    return insert_planned(engine, missing, erp=settings.erp, now=now)


def post_pending(
    settings: Settings,
    engine: Engine,
    *,
    erp: ErpAdapter,
    now_fn: Callable[[], datetime],
    actor: Actor = TALLYHOUSE,
    limit: int | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> PostingSummary:
    """Send what is planned, settle what is unknown, try again what was rejected, in that order.

    Within each group documents go in order of signature.

    Args:
        settings: where the register is.
        engine: the operations database.
        erp: only postings planned for the adapter of that name are touched.
        now_fn: the current instant, aware.
        actor: whose run it is; kept with each attempt.
        limit: begin at most so many attempts.
        pause: waits for seconds between attempts while the ERP is throttled or away.

    Raises:
        ConfigurationError: the ERP refuses all calls alike, or its class cannot be posted to.
        RegisterDamagedError: the register is not as it was committed.
    """
    refuse_unpostable(erp)
    pending = open_postings(engine, erp=erp.name)
    payloads = payloads_of(Register(settings.register).entries(), posting_keys=list(pending))
    poster = _Poster(engine, erp, now_fn, pause, payloads, actor=actor)
    return poster.run(_in_order(pending, payloads), limit=limit)


def _in_order(
    pending: Mapping[str, OpenPosting], payloads: Mapping[str, Payload]
) -> Iterator[OpenPosting]:
    by_signature = [key for key in payloads if key in pending]
    keys = by_signature + sorted(pending.keys() - payloads.keys())
    for is_rejected in (False, True):
        for key in keys:
            if (pending[key].state == "rejected") is is_rejected:
                yield pending[key]


class _Poster:
    """One run over the pending documents."""

    def __init__(
        self,
        engine: Engine,
        erp: ErpAdapter,
        now_fn: Callable[[], datetime],
        pause: Callable[[float], None],
        payloads: Mapping[str, Payload],
        *,
        actor: Actor,
    ) -> None:
        self._engine = engine
        self._erp = erp
        self._now_fn = now_fn
        self._pause = pause
        self._payloads = payloads
        self._actor = actor
        self._pauses_left = MOST_PAUSES
        self._counts: Counter[str] = Counter()

    def run(self, pending: Iterator[OpenPosting], *, limit: int | None) -> PostingSummary:
        stopped_by = None
        for posting in pending:
            if limit is not None and self._attempts >= limit:
                stopped_by = f"the limit of {limit} attempts"
                break
            if not self._is_settled(posting):
                self._counts["waiting"] += 1
                continue
            stopped_by = self._until_answered(posting)
            if stopped_by is not None:
                self._counts["delayed"] += 1
                break
        return PostingSummary(**self._shown_counts(), stopped_by=stopped_by)

    @property
    def _attempts(self) -> int:
        return sum(self._counts[name] for name in ("posted", "rejected", "unknown"))

    def _shown_counts(self) -> dict[str, int]:
        shown = ("posted", "rejected", "unknown", "waiting", "delayed", "taken", "broken")
        return {name: self._counts[name] for name in shown}

    def _is_settled(self, posting: OpenPosting) -> bool:
        """Whether the ERP can no longer be working on an earlier attempt."""
        if posting.state not in ("sending", "unknown"):
            return True
        settle = timedelta(seconds=self._erp.limits.settle_seconds)
        return posting.updated_at + settle <= self._now_fn()

    def _until_answered(self, posting: OpenPosting) -> str | None:
        """Try until the ERP answered, pausing while it asks for it; say why if it did not."""
        while True:
            retryable = self._attempt(posting)
            if retryable is None:
                return None
            seconds = self._pause_seconds(retryable)
            if self._pauses_left == 0 or seconds > LONGEST_PAUSE_SECONDS:
                return str(retryable)
            self._pauses_left -= 1
            self._pause(seconds)
            current = open_postings(self._engine, erp=self._erp.name).get(posting.posting_key)
            if current is None or current.state != "planned":
                self._counts["taken"] += 1
                return None
            posting = current

    def _pause_seconds(self, error: RetryableError) -> float:
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            return error.retry_after
        return float(2 ** (MOST_PAUSES - self._pauses_left))

    def _attempt(self, posting: OpenPosting) -> RetryableError | None:
        """Make one attempt and keep its ending; return the error after which nothing was done."""
        payload = self._payloads.get(posting.posting_key)
        request = {} if payload is None else json.loads(payload.content)
        claimed = claim(
            self._engine, posting, now=self._now_fn(), request=request, actor=self._actor
        )
        if claimed is None:
            self._counts["taken"] += 1
            return None
        delivery: Delivery | None = None
        try:
            delivery = self._delivery(posting, payload, claimed)
            held = delivery.run(
                looks_first=posting.attempt_count > 0 or posting.state == "unknown",
                may_create=posting.attempt_count < STUCK_AFTER_ATTEMPTS
                or posting.state in ("planned", "rejected"),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has an ending
            ending = _ending_of(error, [] if delivery is None else delivery.calls)
            is_kept = end(self._engine, claimed, ending, now=self._now_fn())
            return self._after(error, ending, is_kept=is_kept)
        breaks = differences(delivery.document, held)
        is_kept = end(
            self._engine, claimed, _posted(held, breaks, delivery.calls), now=self._now_fn()
        )
        self._counts["posted" if is_kept else "taken"] += 1
        self._counts["broken"] += int(is_kept and bool(breaks))
        return None

    def _delivery(self, posting: OpenPosting, payload: Payload | None, claimed: Claim) -> Delivery:
        if payload is None or payload.sha256 != posting.payload_sha256:
            raise RejectedError(
                f"Send document {posting.posting_key}: the register derives "
                f"{'nothing' if payload is None else payload.sha256} for it, planned was "
                f"{posting.payload_sha256}. Only what was signed is sent; find out what changed.",
                code="payload_not_signed",
            )
        document = payload.document()
        if problems := self._erp.limits.problems(document):
            raise RejectedError(
                f"Send document {posting.posting_key} to {self._erp.name}: {'; '.join(problems)}. "
                "Nothing is shortened silently; change the contract's documents or the ERP.",
                code="document_exceeds_limits",
            )
        return Delivery(
            self._erp,
            document,
            correlation_id=claimed.correlation_id,
            prove_claim=lambda: renew(self._engine, claimed, now=self._now_fn()),
        )

    def _after(self, error: Exception, ending: Ending, *, is_kept: bool) -> RetryableError | None:
        if isinstance(error, ConfigurationError):
            raise error
        if not is_kept or isinstance(error, ClaimLostError):
            self._counts["taken"] += 1
            return None
        if isinstance(error, RetryableError):
            return error
        self._counts[ending.state] += 1
        return None


def _posted(
    held: ErpDocument, breaks: tuple[str, ...], calls: Sequence[Mapping[str, Any]]
) -> Ending:
    return Ending(
        state="posted",
        outcome="posted",
        error_code=DIFFERS_CODE if breaks else None,
        error_detail="; ".join(breaks) or None,
        erp_document=held,
        calls=calls,
    )


def _ending_of(error: Exception, calls: Sequence[Mapping[str, Any]]) -> Ending:
    """Return how an attempt ends with an error; what is not known to be safe is unknown."""
    state, outcome = "unknown", "unknown"
    if isinstance(error, RetryableError):
        state, outcome = "planned", "delayed"
    elif isinstance(error, ConfigurationError):
        state, outcome = "planned", "not_configured"
    elif isinstance(error, RejectedError | DocumentInvalidError):
        state, outcome = "rejected", "rejected"
    if isinstance(error, AdapterError | TallyhouseError):
        code, detail = error.code, str(error)
    else:
        code, detail = "unexpected_error", f"{type(error).__name__}: {error}"
    return Ending(state=state, outcome=outcome, error_code=code, error_detail=detail, calls=calls)
