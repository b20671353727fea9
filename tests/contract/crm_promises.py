"""What every CRM adapter promises, one function per promise, run over every adapter.

An account is how to open an adapter on one CRM with faults on the way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.errors import ThrottledError, UnknownOutcomeError
from adapters.models import CrmRecord
from adapters.sandbox.faults import NO_FAULTS, Fault, FaultPlan

CORRELATION = "contract-suite"


@dataclass
class CrmAccount:
    """One CRM seen through one adapter."""

    open: Callable[[FaultPlan], Any]


def account_record(external_id: str = "acme", **fields: Any) -> CrmRecord:
    return CrmRecord(
        object_name="account", external_id=external_id, fields=fields or {"name": external_id}
    )


def what_is_written_is_read_back_with_its_kind(account: CrmAccount) -> None:
    crm = account.open(NO_FAULTS)
    fields = {
        "name": "Acme",
        "amount_billed": Decimal("1000000000000.001"),
        "is_late": False,
        "as_of_date": date(2026, 10, 31),
        "remark": None,
    }
    (answer,) = crm.upsert([account_record(**fields)], correlation_id=CORRELATION)
    assert answer.is_accepted
    (held,) = crm.read("account", ["acme"])
    assert held.fields == fields


def one_external_id_is_one_record_however_often_it_is_written(account: CrmAccount) -> None:
    crm = account.open(NO_FAULTS)
    crm.upsert([account_record()], correlation_id=CORRELATION)
    task = CrmRecord(
        object_name="task",
        external_id="acme/overage",
        fields={"account_external_id": "acme", "subject": "Overage"},
    )
    for _ in range(3):
        crm.upsert([task], correlation_id=CORRELATION)
    assert crm.read("task", ["acme/overage"]) == (task,)


def fields_that_are_not_named_stay(account: CrmAccount) -> None:
    crm = account.open(NO_FAULTS)
    crm.upsert([account_record(name="Acme", owner="Kim")], correlation_id=CORRELATION)
    crm.upsert([account_record(name="Acme Inc")], correlation_id=CORRELATION)
    (held,) = crm.read("account", ["acme"])
    assert held.fields == {"name": "Acme Inc", "owner": "Kim"}


def one_refused_record_never_stops_the_others(account: CrmAccount) -> None:
    crm = account.open(NO_FAULTS)
    orphan = CrmRecord(
        object_name="task", external_id="x", fields={"account_external_id": "nobody"}
    )
    answers = crm.upsert(
        [account_record("acme"), orphan, account_record("globex")], correlation_id=CORRELATION
    )
    assert [each.is_accepted for each in answers] == [True, False, True]
    assert [each.external_id for each in answers] == ["acme", "x", "globex"]
    assert answers[1].error_code == "unknown_account"
    assert len(crm.read("account", ["acme", "globex"])) == 2
    assert crm.read("task", ["x"]) == ()


def an_unknown_record_is_absent(account: CrmAccount) -> None:
    assert account.open(NO_FAULTS).read("account", ["nobody"]) == ()


def a_lost_answer_is_an_unknown_outcome_and_the_write_stands(account: CrmAccount) -> None:
    crm = account.open(FaultPlan({("upsert", 1): Fault("drop_answer")}))
    with pytest.raises(UnknownOutcomeError):
        crm.upsert([account_record()], correlation_id=CORRELATION)
    assert len(crm.read("account", ["acme"])) == 1


def nothing_is_done_when_the_system_throttles(account: CrmAccount) -> None:
    crm = account.open(FaultPlan({("upsert", 1): Fault("throttle", 3.0)}))
    with pytest.raises(ThrottledError) as throttled:
        crm.upsert([account_record()], correlation_id=CORRELATION)
    assert throttled.value.retry_after == 3.0
    assert crm.read("account", ["acme"]) == ()


PROMISES = (
    what_is_written_is_read_back_with_its_kind,
    one_external_id_is_one_record_however_often_it_is_written,
    fields_that_are_not_named_stay,
    one_refused_record_never_stops_the_others,
    an_unknown_record_is_absent,
    a_lost_answer_is_an_unknown_outcome_and_the_write_stands,
    nothing_is_done_when_the_system_throttles,
)
