"""Every failure of an outside system, grouped by what recovers it.

Belongs here: the classes that all adapters raise and the posting engine follows.
Does not belong here: a vendor's own codes, which its adapter maps to these.

    AdapterError
    ├── RetryableError            nothing was done: sending the same again later is safe
    │   ├── ThrottledError        … after retry_after seconds
    │   └── UnavailableError      … the system was not reached before the first byte
    ├── RejectedError             the system refused and did nothing: a person changes data
    │   ├── DuplicateKeyError     … it has a document under that key already: look it up
    │   └── DocumentStateError    … the document is not in the state the call needs: look it up
    ├── UnknownOutcomeError       sent, and nobody knows: look it up by key, never send again
    │   └── StillWorkingError     … the system says that it is at it: look it up later
    └── ConfigurationError        the installation is wrong: an operator changes it
        ├── UnknownAdapterError   … no adapter has that name
        └── CredentialsError      … the system does not accept who we are
"""


class AdapterError(Exception):
    """An outside system failed in a way that the class says how to recover.

    Attributes:
        code: stable snake_case name of the failure.
    """

    code = "adapter_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class RetryableError(AdapterError):
    """The system did nothing with the call; the same call may be sent again."""

    code = "retryable"


class ThrottledError(RetryableError):
    """The system asks for a pause.

    Attributes:
        retry_after: seconds that the system asked for; None when it named none.
    """

    code = "throttled"

    def __init__(
        self, message: str, *, retry_after: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class UnavailableError(RetryableError):
    """The system was not reached: no byte of the call left this machine."""

    code = "unavailable"


class RejectedError(AdapterError):
    """The system refused the call for what it says, and did nothing."""

    code = "rejected"


class DuplicateKeyError(RejectedError):
    """The system holds a document under that key already."""

    code = "duplicate_key"


class DocumentStateError(RejectedError):
    """The document is gone, or not in the state that the call needs."""

    code = "document_state"


class UnknownOutcomeError(AdapterError):
    """The call was sent and no answer says whether the system acted on it."""

    code = "unknown_outcome"


class StillWorkingError(UnknownOutcomeError):
    """The system took the call and has not finished it.

    Attributes:
        job_id: the system's own name for the work, for whoever asks it.
    """

    code = "still_working"

    def __init__(self, message: str, *, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id


class ConfigurationError(AdapterError):
    """The installation, not the document, is wrong; every call would fail alike."""

    code = "configuration"


class UnknownAdapterError(ConfigurationError):
    """No adapter is registered under that name."""

    code = "unknown_adapter"


class CredentialsError(ConfigurationError):
    """The system does not accept the credentials or the rights behind them."""

    code = "credentials"
