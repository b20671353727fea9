"""Every way in which a waiver of an exception is refused, with its stable code.

Belongs here: the error classes of this room. Does not belong here: deciding which one applies
(waiving.py).

    RefusedError
    ├── ExceptionUnknownError        no build ever found an exception of that id
    ├── ExceptionResolvedError       it is resolved, so there is nothing to waive
    ├── WaiverEndInvalidError        the last day is over, or further away than the policy lets be
    ├── WaiverReasonMissingError     nobody says why
    └── WaiverUnknownError           nothing in force is there to withdraw
"""

from orchestration.failures import RefusedError


class ExceptionUnknownError(RefusedError):
    """No build ever found an exception of that id."""

    code = "exception_unknown"


class ExceptionResolvedError(RefusedError):
    """The exception no longer stands."""

    code = "exception_resolved"


class WaiverEndInvalidError(RefusedError):
    """The last day of a waiver is over, or too far away."""

    code = "waiver_end_invalid"


class WaiverReasonMissingError(RefusedError):
    """A waiver or its withdrawal has no reason."""

    code = "waiver_reason_missing"


class WaiverUnknownError(RefusedError):
    """The exception has no waiver in force."""

    code = "waiver_unknown"
