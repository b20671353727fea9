"""The two kinds of failure as Dagster knows them.

Belongs here: which failure is tried again and which stops. Does not belong here: the classes,
which are orchestration/failures.py's.

    TechnicalError, adapters' RetryableError   the step is tried again, a few times, ever later
    a disk that refuses                         the step stops, technical: waiting frees no space
    every other error that we raise on purpose  the step stops for good, with code and next step
    anything else                               a bug: the step stops, Dagster shows the traceback
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from adapters.errors import AdapterError, RetryableError
from orchestration.disk_failures import DiskError, disk_failure
from orchestration.failures import TallyhouseError, TechnicalError

TECHNICAL_RETRIES: Final = 3
FIRST_WAIT_SECONDS: Final = 5.0


@contextmanager
def failures_sorted(*, retry_number: int) -> Iterator[None]:
    """Turn an error of the pipeline into Dagster's answer to it.

    Args:
        retry_number: how often this step was tried again already.

    Raises:
        RetryRequested: a repeat may succeed; after 5, 10 and 20 seconds, then no more.
        Failure: without retries; its description says what to do next, its metadata the code.
    """
    try:
        yield
    except DiskError as error:
        raise _final(error, error.code, is_technical=True) from error
    except (TechnicalError, RetryableError) as error:
        if retry_number >= TECHNICAL_RETRIES:
            raise _final(error, error.code, is_technical=True) from error
        raise dg.RetryRequested(
            max_retries=TECHNICAL_RETRIES,
            seconds_to_wait=FIRST_WAIT_SECONDS * 2**retry_number,
        ) from error
    except (TallyhouseError, AdapterError) as error:
        raise _final(error, error.code, is_technical=False) from error
    except Exception as error:
        told = disk_failure(error)
        if told is None:
            raise
        raise _final(told, told.code, is_technical=True) from error


def _final(error: Exception, code: str, *, is_technical: bool) -> dg.Failure:
    return dg.Failure(
        description=str(error),
        metadata={
            "code": code,
            "error": type(error).__name__,
            "recovers_by": "a repeat" if is_technical else "a person",
            "is_technical": is_technical,
        },
        allow_retries=False,
    )
