"""Every way in which the register, a freeze or a signature says no, with its stable code.

Belongs here: the error classes of this room. Does not belong here: deciding which one applies
(register.py, freeze.py, sign_off_rules.py); what a failing disk is called (durable.py).

    TechnicalError
    └── RegisterBusyError            another signature is being written
    RefusedError
    ├── RegisterDamagedError         a committed file is missing or was changed
    ├── RegisterNewerError           a later version wrote a committed file
    ├── RegisterMovedError           the register says something else than what was looked at
    ├── ClosedSinceError             what a revision bills was waived since it was frozen
    ├── PostingKeyTakenError         a document of that key was signed before
    ├── RevisionUnknownError  RevisionSupersededError  AlreadySignedError  AlreadyRejectedError
    ├── RevisionWaitsError           one about other contracts waits for a decision
    ├── PeriodOpenError              a month that is to be rated again was never signed
    ├── CheckRedError  CheckMissingError
    ├── SignerUnverifiedError  PolicyMissingError  SignerNotApproverError
    ├── EntityNotAllowedError  AmountAboveLimitError  FourEyesError  AuthorUnknownError
    └── AcknowledgementMissingError  AcknowledgedDocumentUnknownError  ReasonMissingError
        HeldDocumentUnknownError
    InputError
    ├── EntryInvalidError            an entry breaks the rules of its kind
    ├── CandidatesUnusableError      the warehouse has no candidates that can be frozen
    ├── DecisionUnknownError         a decision is neither sign nor reject
    └── PeriodInvalidError           a billing period is not YYYY-MM
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Self, TypeAlias

from orchestration.failures import InputError, RefusedError, TechnicalError

_NAMED_AT_MOST: Final = 20
_KEYS_NAMED_AT_MOST: Final = 3

Moved: TypeAlias = tuple[Decimal, Decimal]
"""What was billed for a settlement key, before and now."""


def listed(names: Sequence[str], *, at_most: int = _NAMED_AT_MOST) -> str:
    """Names for a message: the first ones, then how many more."""
    shown = ", ".join(names[:at_most])
    more = len(names) - at_most
    return f"{shown} and {more:,} more" if more > 0 else shown


class RegisterBusyError(TechnicalError):
    """Another process is writing the register."""

    code = "register_busy"


class RegisterDamagedError(RefusedError):
    """A file that a manifest lists is missing or not what was committed."""

    code = "register_damaged"


class RegisterNewerError(RefusedError):
    """A file that a manifest lists has columns which this version does not know."""

    code = "register_newer"


class CreditOverdrawnError(RefusedError):
    """Signed draws of a credit grant would go beyond what was granted.

    Attributes:
        credit_grant_ids: the grants, sorted.
    """

    code = "credit_overdrawn"

    def __init__(self, message: str, *, credit_grant_ids: Sequence[str]) -> None:
        super().__init__(message)
        self.credit_grant_ids = tuple(credit_grant_ids)


class RegisterMovedError(RefusedError):
    """What was billed for a settlement key changed since the candidate was computed.

    Attributes:
        moved: by settlement key what was billed when the candidate was computed, and what is now;
            empty where another commit was in the way.
    """

    code = "register_moved"

    def __init__(self, message: str, *, moved: Mapping[str, Moved] | None = None) -> None:
        super().__init__(message)
        self.moved = dict(sorted((moved or {}).items()))

    @property
    def settlement_keys(self) -> tuple[str, ...]:
        """The keys that moved, sorted."""
        return tuple(self.moved)

    @classmethod
    def of_keys(cls, moved: Mapping[str, Moved], *, tried: str) -> Self:
        """Say what happened, then what to do, then the first few keys.

        Args:
            moved: the settlement keys whose candidates are out of date.
            tried: the deed, as "Tried to freeze us:2026-10:r2".
        """
        keys = [
            f"{key} (billed {before.normalize():f} then, {now.normalize():f} now)"
            for key, (before, now) in sorted(moved.items())
        ]
        return cls(
            f"{tried}: a signature that came after the candidates were computed changed what is "
            f"billed for {len(keys):,} of their settlement keys. Nothing was written. Close the "
            "billing period again (`tallyhouse run`), which computes what is due after that "
            "signature and freezes it. The settlement keys are "
            f"{listed(keys, at_most=_KEYS_NAMED_AT_MOST)}.",
            moved=moved,
        )


class RevisionWaitsError(RefusedError):
    """A revision of the same month that is about other contracts waits for a decision."""

    code = "revision_waits"


class PeriodOpenError(RefusedError):
    """A month is to be rated again of which a legal entity signed nothing yet."""

    code = "period_open"


class PostingKeyTakenError(RefusedError):
    """A posting key is in the register already, or stands for two documents."""

    code = "posting_key_taken"


class RevisionUnknownError(RefusedError):
    """No frozen revision has that id."""

    code = "revision_unknown"


class RevisionSupersededError(RefusedError):
    """A later revision of the same legal entity and billing period was frozen."""

    code = "revision_superseded"


class AlreadySignedError(RefusedError):
    """The revision is signed."""

    code = "already_signed"


class AlreadyRejectedError(RefusedError):
    """The revision is rejected."""

    code = "already_rejected"


class CheckRedError(RefusedError):
    """A check that the revision needs failed."""

    code = "check_red"


class CheckMissingError(RefusedError):
    """A check that the revision needs has no result."""

    code = "check_missing"


class ClosedSinceError(RefusedError):
    """Finance signed not to bill some of what a revision holds, after it was frozen."""

    code = "closed_since"


class SignerUnverifiedError(RefusedError):
    """Nobody but the signer says who the signer is, and that does not suffice here."""

    code = "signer_unverified"


class PolicyMissingError(RefusedError):
    """The reference version that a revision pinned says nothing about who may sign."""

    code = "policy_missing"


class SignerNotApproverError(RefusedError):
    """The signer is not on the policy's list of approvers."""

    code = "signer_not_approver"


class EntityNotAllowedError(RefusedError):
    """The signer may not approve for that legal entity."""

    code = "entity_not_allowed"


class AmountAboveLimitError(RefusedError):
    """The documents add up to more than the signer may approve."""

    code = "amount_above_limit"


class FourEyesError(RefusedError):
    """The signer wrote something that the revision uses for the first time."""

    code = "four_eyes"


class AuthorUnknownError(RefusedError):
    """Nobody is named as author of something that the revision uses for the first time."""

    code = "author_unknown"


class AcknowledgementMissingError(RefusedError):
    """The policy asks for an acknowledgement of a document, and nobody gave it."""

    code = "acknowledgement_missing"


class AcknowledgedDocumentUnknownError(RefusedError):
    """A document to acknowledge is not in the revision."""

    code = "acknowledged_document_unknown"


class ReasonMissingError(RefusedError):
    """A rejection or a hold has no reason."""

    code = "reason_missing"


class HeldDocumentUnknownError(RefusedError):
    """A document to hold is not in the revision."""

    code = "held_document_unknown"


class EntryInvalidError(InputError):
    """An entry breaks the rules of its kind."""

    code = "entry_invalid"


class CandidatesUnusableError(InputError):
    """The warehouse has no candidates, or candidates that do not add up."""

    code = "candidates_unusable"


class PeriodNotSignedError(RefusedError):
    """Nothing of a billing period was signed, so there is nothing to compare or to prove."""

    code = "period_not_signed"


class PeriodInvalidError(InputError):
    """A billing period is not written YYYY-MM."""

    code = "period_invalid"


class DecisionUnknownError(InputError):
    """A decision about a revision is neither sign nor reject."""

    code = "decision_unknown"
