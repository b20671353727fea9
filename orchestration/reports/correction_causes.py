"""Why a revision corrects what was signed, in words.

Belongs here: sums by currency and cause, their order, their words. Does not belong here: finding
the causes (rerating).
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.differences import CAUSE_WORDS
from orchestration.rerating.explain import Explained


def explained_words(explained: Sequence[Explained]) -> list[str]:
    """Say of each revision what it corrects by which causes, or why that is not told."""
    return [_words(each) for each in explained]


def causes_json(explained: Explained) -> list[dict[str, Any]]:
    """Return each line's causes as JSON: amounts have their currency's decimals."""
    rows: list[Any] = explained.causes.to_pylist()
    return [row | {"amount": amount_text(row["amount"], row["currency_code"])} for row in rows]


def _words(explained: Explained) -> str:
    if explained.reason is not None:
        return (
            f"{explained.revision_id}: the causes of its corrections are not told. "
            f"{explained.reason}"
        )
    sums: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    kinds: dict[tuple[str, int], str] = {}
    order = list(CAUSE_WORDS)
    rows: list[Any] = explained.causes.to_pylist()
    for row in rows:
        group = (row["currency_code"], order.index(row["cause"]))
        sums[group] += row["amount"]
        kinds[group] = row["correction_kind"]
    parts = [
        f"{currency} {money_text(amount, currency)} {CAUSE_WORDS[order[place]]} "
        f"({kinds[currency, place]})"
        for (currency, place), amount in sorted(sums.items())
    ]
    return f"{explained.revision_id} corrects what was signed: {', '.join(parts)}."
