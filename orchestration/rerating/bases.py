"""Which signed revision of a month today's amounts are compared with.

Belongs here: the signed revisions of a month, which of them speaks for a legal entity's contracts.
Does not belong here: rating as it was (states.py).

The last revision that was about all contracts speaks for every one; a later one that was about some
speaks for those. A re-rating of some customers therefore leaves the others with their own past.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from orchestration.billing.refusals import PeriodNotSignedError, listed
from orchestration.billing.rerating_inputs import BASE_SCHEMA
from orchestration.billing.revisions import Revision
from orchestration.billing.run_scope import RunScope
from orchestration.rerating.reference_tables import compiled_tables
from orchestration.rerating.scope import scoped_contracts
from orchestration.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Base:
    """A revision that contracts of a legal entity are compared with, for one month.

    Attributes:
        billing_period: the month, YYYY-MM.
        lineages: it speaks for these contracts; None means for every other one.
        compared: those of them that come to something else now.
    """

    billing_period: str
    legal_entity_id: str
    revision: Revision
    lineages: frozenset[str] | None
    compared: frozenset[str]


def signed_revisions(revisions: Mapping[str, Revision], billing_period: str) -> list[Revision]:
    """Signed revisions that bill something of a month, in order of freezing.

    Raises:
        PeriodNotSignedError: there is none.
    """
    signed = [
        revision
        for revision in revisions.values()
        if revision.state == "signed"
        and (
            revision.billing_period == billing_period
            or billing_period in revision.pins.scope.get("earlier_periods", ())
        )
    ]
    if not signed:
        there = sorted({each.billing_period for each in revisions.values()})
        raise PeriodNotSignedError(
            f"Compared {billing_period} with what was signed of it: nothing was. "
            + (f"Revisions are of {listed(there)}." if there else "Nothing was frozen yet.")
        )
    return signed


def bases_of(
    settings: Settings,
    billing_period: str,
    signed: Sequence[Revision],
    differing: Mapping[str, Collection[str]],
) -> list[Base]:
    """Say which revision each contract is compared with.

    It is its entity's own last one that was about it; an entity that signed nothing of the month
    takes the last one of all contracts.

    Args:
        settings: whose reference versions.
        billing_period: YYYY-MM.
        signed: revisions that bill something of the month, in order of freezing.
        differing: by legal entity of the month, lineages that come to something else now.
    """
    bases = []
    scopes = {each.revision_id: RunScope.of_plain(each.pins.scope) for each in signed}
    whole = [each for each in signed if scopes[each.revision_id].has_all_contracts]
    for legal_entity_id, lineages in differing.items():
        own = [each for each in signed if each.legal_entity_id == legal_entity_id]
        left = frozenset(lineages)
        taken: set[str] = set()
        for revision in reversed(own):
            scope = scopes[revision.revision_id]
            if scope.has_all_contracts:
                break
            folder = settings.reference_versions / revision.pins.reference_version
            scoped = scoped_contracts(
                compiled_tables(folder), scope, billing_period=revision.billing_period
            )
            mine = frozenset(scoped.lineages) - taken
            taken |= mine
            bases.append(
                Base(
                    billing_period=billing_period,
                    legal_entity_id=legal_entity_id,
                    revision=revision,
                    lineages=mine,
                    compared=left & mine,
                )
            )
        every = [each for each in whole if each in own] or whole
        bases += [
            Base(
                billing_period=billing_period,
                legal_entity_id=legal_entity_id,
                revision=revision,
                lineages=None,
                compared=left - taken,
            )
            for revision in every[-1:]
        ]
    return bases


def bases_table(bases: Sequence[Base]) -> pa.Table:
    """Return the revision of each contract that is compared, as rows of BASE_SCHEMA."""
    rows = [
        {
            "billing_period": base.billing_period,
            "legal_entity_id": base.legal_entity_id,
            "contract_lineage_id": lineage,
            "base_revision_id": base.revision.revision_id,
        }
        for base in bases
        for lineage in sorted(base.compared)
    ]
    return pa.Table.from_pylist(rows, schema=BASE_SCHEMA)


def lineages_by_entity(keys: pa.Table, legal_entity_ids: Iterable[str] = ()) -> dict[str, set[str]]:
    """Gather the lineages of settlement keys by legal entity; some entities may have none."""
    found: dict[str, set[str]] = {name: set() for name in legal_entity_ids}
    rows: list[Any] = keys.select(["legal_entity_id", "contract_lineage_id"]).to_pylist()
    for row in rows:
        found.setdefault(row["legal_entity_id"], set()).add(row["contract_lineage_id"])
    return found


def with_same_inputs(bases: Sequence[Base]) -> list[list[Base]]:
    """Group bases of which something is compared by their inputs: one series of builds each."""
    groups: dict[tuple[tuple[int, ...], str], list[Base]] = defaultdict(list)
    for base in bases:
        pins = base.revision.pins
        if base.compared:
            groups[pins.ingestion_batch_ids, pins.reference_version].append(base)
    return list(groups.values())
