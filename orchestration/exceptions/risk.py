"""Value at risk: what exceptions keep from being billed, per billing period and currency.

Belongs here: the sums. Does not belong here: the amount of one exception (dbt); layout (reports).

What is waived stands apart and is never left out. An exception whose amount no price tells has no
currency either, so it is counted, under no currency, and never taken for zero.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from orchestration.exceptions.found import FoundException
from orchestration.price_book.currencies import amount_text

_Place: TypeAlias = tuple[str | None, str | None]


@dataclass(frozen=True, kw_only=True)
class AtRisk:
    """Exceptions that stand, of one billing period and currency.

    Attributes:
        billing_period: None for exceptions that are about no month.
        currency_code: None for exceptions whose amount is not known.
        open_amount, waived_amount: sums in major units; zero where currency_code is None.
        open_count, waived_count, overdue_count: exceptions; overdue ones are among the open.
    """

    billing_period: str | None
    currency_code: str | None
    open_amount: Decimal
    waived_amount: Decimal
    open_count: int
    waived_count: int
    overdue_count: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures, amounts with their currency's decimals; unknown ones are null."""
        code = self.currency_code
        return {
            **vars(self),
            "open_amount": None if code is None else amount_text(self.open_amount, code),
            "waived_amount": None if code is None else amount_text(self.waived_amount, code),
        }


def at_risk_by_period(found: Iterable[FoundException]) -> tuple[AtRisk, ...]:
    """Add up what stands; a resolved exception puts nothing at risk.

    Each exception is counted once: in its currency where its amount is known, else without one.
    """
    groups: dict[_Place, list[FoundException]] = defaultdict(list)
    for each in found:
        if each.state != "resolved":
            currency = each.currency_code if each.amount_at_risk is not None else None
            groups[each.billing_period, currency].append(each)
    return tuple(
        AtRisk(
            billing_period=billing_period,
            currency_code=currency_code,
            open_amount=_sum(mine, "open"),
            waived_amount=_sum(mine, "waived"),
            open_count=_count(mine, "open"),
            waived_count=_count(mine, "waived"),
            overdue_count=sum(each.is_overdue for each in mine),
        )
        for (billing_period, currency_code), mine in sorted(groups.items(), key=_order)
    )


def _order(item: tuple[_Place, list[FoundException]]) -> tuple[str, bool, str]:
    billing_period, currency_code = item[0]
    return billing_period or "", currency_code is None, currency_code or ""


def _sum(found: Iterable[FoundException], state: str) -> Decimal:
    amounts = (each.amount_at_risk or Decimal(0) for each in found if each.state == state)
    return sum(amounts, Decimal(0))


def _count(found: Iterable[FoundException], state: str) -> int:
    return sum(each.state == state for each in found)
