"""Two kinds of failure, and what Dagster is told about each."""

from typing import Never

import dagster as dg
import pytest

from adapters.errors import RejectedError, UnavailableError
from orchestration.defs.operations.failures import TECHNICAL_RETRIES, failures_sorted
from orchestration.failures import RefusedError
from orchestration.warehouse import WarehouseBusyError


@pytest.mark.parametrize("error", [WarehouseBusyError("busy"), UnavailableError("away")])
def test_a_technical_failure_is_tried_again_ever_later(error: Exception) -> Never:
    waits = []
    for retry_number in range(TECHNICAL_RETRIES):
        with pytest.raises(dg.RetryRequested) as raised, failures_sorted(retry_number=retry_number):
            raise error
        waits.append(raised.value.seconds_to_wait)

    assert [5.0, 10.0, 20.0] == waits


def test_a_technical_failure_ends_after_the_last_retry() -> Never:
    with pytest.raises(dg.Failure) as raised, failures_sorted(retry_number=TECHNICAL_RETRIES):
        raise WarehouseBusyError("Another run writes the warehouse.")

    assert raised.value.allow_retries is False
    assert "warehouse_busy" == raised.value.metadata["code"].value


@pytest.mark.parametrize("error", [RefusedError("no"), RejectedError("tax code unknown")])
def test_a_business_failure_stops_at_once_and_says_what_to_do(error: Exception) -> Never:
    with pytest.raises(dg.Failure) as raised, failures_sorted(retry_number=0):
        raise error

    assert raised.value.allow_retries is False
    assert str(error) == raised.value.description


def test_a_bug_is_no_failure_of_either_kind() -> Never:
    with pytest.raises(ZeroDivisionError), failures_sorted(retry_number=0):
        raise ZeroDivisionError
