"""A company whose last build found three exceptions, for tests of waivers, ages and sums.

Belongs here: the history that a build would have left, and its policy. Does not belong here: any
expectation.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from billing_rows import NOW, VERSION
from billing_world import OLIVIA, BillingWorld, policy

from orchestration.billing.sign_off import Signer
from orchestration.billing.waivers import Waiver
from orchestration.exceptions import (
    ExceptionQuestion,
    FoundException,
    find_exceptions,
    waive_exception,
    withdraw_waiver,
)
from orchestration.operations_db.tables import exceptions
from orchestration.price_book.policy import SignOffPolicy

HENRIK = Signer(name="henrik@example.com", source="verified", run_id="run-2")


def history_row(exception_id: str, **columns: Any) -> dict[str, Any]:
    """One row of the history, open since October, of a held charge of 40 dollars."""
    return {
        "exception_id": exception_id,
        "exception_code": "missing_price",
        "steward": "pricing",
        "object_kind": "settlement_key",
        "object_id": f"key-{exception_id}",
        "object_name": "tokens from 2026-10-01",
        "legal_entity_id": "us",
        "customer_id": "acme",
        "customer_name": "Acme",
        "billing_period": "2026-10",
        "quantity_at_risk": None,
        "unit": None,
        "amount_at_risk": Decimal("40.0000"),
        "currency_code": "USD",
        "event_count": 3,
        "first_seen_date": date(2026, 10, 2),
        "what_to_do": "Add a price.",
        "opened_at": NOW,
        "opened_batch_id": 1,
        "last_seen_at": NOW,
        "last_seen_batch_id": 2,
        "resolved_at": None,
        "resolved_batch_id": None,
        "reopened_at": None,
        "reopened_count": 0,
    } | columns


@dataclass
class ExceptionHouse:
    """A data directory with a history of exceptions, and the verbs that people have."""

    world: BillingWorld
    policy: SignOffPolicy = field(default_factory=policy)

    def put(self, *rows: dict[str, Any]) -> None:
        with self.world.engine.begin() as connection:
            connection.execute(sa.insert(exceptions), list(rows))

    def put_policy(self, text: str) -> None:
        """Put a reference version in force whose policy says this of exceptions."""
        self.world.put_reference()
        file = self.world.settings.reference_versions / VERSION / "source" / "policy.yml"
        file.write_text(f"{file.read_text('utf-8')}{text}", "utf-8")

    def waive(self, exception_id: str = "held", **options: Any) -> Waiver:
        given: dict[str, Any] = {
            "exception_id": exception_id,
            "reason": "the vendor was asked",
            "until": date(2026, 12, 31),
            "signer": OLIVIA,
            "now": NOW,
            "policy_source": lambda _settings, _version: self.policy,
        }
        return waive_exception(self.world.settings, self.world.engine, **(given | options))

    def withdraw(self, exception_id: str = "held", **options: Any) -> Waiver:
        given: dict[str, Any] = {
            "exception_id": exception_id,
            "reason": "it is billed after all",
            "signer": OLIVIA,
            "now": NOW + timedelta(hours=1),
            "policy_source": lambda _settings, _version: self.policy,
        }
        return withdraw_waiver(self.world.settings, self.world.engine, **(given | options))

    def found(self, **options: Any) -> dict[str, FoundException]:
        now = options.pop("now", NOW)
        question = ExceptionQuestion(**({"state": "all"} | options))
        found = find_exceptions(self.world.settings, self.world.engine, now=now, question=question)
        return {each.exception_id: each for each in found}

    def states(self, **options: Any) -> dict[str, str]:
        return {name: each.state for name, each in self.found(**options).items()}
