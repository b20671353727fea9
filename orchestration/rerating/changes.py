"""What changed since a revision was signed, one change after the other, in their fixed order.

Belongs here: which changes there are, the inputs after each. Does not belong here: reference tables
of a step (mixing.py); rating after each change (states.py).

The order is that of the batches, then identities, contracts, prices. A batch that a replay made is
repaired rejects, one of decisions on events retractions and resolved conflicts, any other one late
usage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from orchestration.billing.revisions import Pins
from orchestration.rerating.mixing import REFERENCE_STEPS, Tables, is_same, mixed_tables

AS_SIGNED: Final = "as_signed"
_CAUSES: Final = {
    "replay": "repaired_rejects",
    "decisions": "retractions_and_resolved_conflicts",
    "load": "late_usage",
}
_WITHOUT_USAGE: Final = ("control_totals",)
"""Batches of these kinds change no amount."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is rated once a change took place.

    Attributes:
        cause: what changed; as_signed for nothing.
        batch_ids: the ingestion batches that are there.
        tables: every compiled reference table.
    """

    cause: str
    batch_ids: tuple[int, ...]
    tables: Tables


def changes_since(
    pins: Pins, signed: Tables, today: Tables, batches: Sequence[tuple[int, str]]
) -> Iterator[Change]:
    """Yield what was signed, then what is there after each change since.

    Args:
        pins: of the revision.
        signed: compiled tables of its reference version.
        today: those that rate now.
        batches: every batch that is rated now, as (number, kind), in order.
    """
    there = pins.ingestion_batch_ids
    yield Change(cause=AS_SIGNED, batch_ids=there, tables=signed)
    for cause, numbers in later_batches(batches, pins):
        there = (*there, *numbers)
        yield Change(cause=cause, batch_ids=there, tables=signed)
    before = signed
    for step in REFERENCE_STEPS:
        mixed = mixed_tables(signed, today, step)
        if not is_same(before, mixed):
            yield Change(cause=step, batch_ids=there, tables=mixed)
        before = mixed


def later_batches(
    batches: Sequence[tuple[int, str]], pins: Pins
) -> Iterator[tuple[str, list[int]]]:
    """Batches that came after a revision, in order; those of one cause that follow are together."""
    pinned = set(pins.ingestion_batch_ids)
    later = [
        (_CAUSES[kind], number)
        for number, kind in batches
        if number not in pinned and kind not in _WITHOUT_USAGE
    ]
    for cause, together in groupby(later, key=itemgetter(0)):
        yield cause, [number for _, number in together]
