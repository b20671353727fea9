"""The root of every error that Tallyhouse raises on purpose, grouped by what recovers it.

Belongs here: the classes that several rooms share. Does not belong here: an error of one room.

    TallyhouseError
    ├── TechnicalError      the machine may try again: a lock, a time-out, a full disk
    └── BusinessError       a person must change data or decide; a repeat changes nothing
        ├── InputError      a file, table or setting is wrong
        └── RefusedError    an action is not allowed as things stand
"""


class TallyhouseError(Exception):
    """Something went wrong in a way that the message explains, with what to do next.

    Attributes:
        code: stable snake_case name of the failure, for exit codes, rows and searches.
    """

    code = "tallyhouse_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class TechnicalError(TallyhouseError):
    """A repeat may succeed without anybody changing data."""

    code = "technical_error"


class BusinessError(TallyhouseError):
    """A person must change data or decide; a repeat alone changes nothing."""

    code = "business_error"


class InputError(BusinessError):
    """A file, a table or a setting is not what it must be."""

    code = "input_error"


class RefusedError(BusinessError):
    """An action is not allowed as things stand."""

    code = "refused"
