"""Which signed revision of a month today's amounts are compared with.

Belongs here: the signed revisions of a month, which of them speaks for a legal entity's contracts.
Does not belong here: rating as it was (states.py).

The last revision that was about all contracts speaks for every one; a later one that was about some
speaks for those. A re-rating of some customers therefore leaves the others with their own past.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from orchestration.billing.refusals import PeriodNotSignedError, listed
from orchestration.billing.rerating_inputs import BASE_SCHEMA
from orchestration.billing.revisions import Revision
from orchestration.billing.run_scope import RunScope
from orchestration.rerating.reference_tables import compiled_tables
from orchestration.rerating.scope import scoped_contracts
from orchestration.settings import Settings

_Inputs: TypeAlias = tuple[tuple[int, ...], str]


@dataclass(frozen=True, kw_only=True)
class Base:
    """A revision that some contracts of a legal entity are compared with.

    Attributes:
        lineages: of these contracts; None means of every other one.
        is_compared: whether one of them may come to something else now.
    """

    legal_entity_id: str
    revision: Revision
    lineages: frozenset[str] | None
    is_compared: bool = True


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
    signed: Sequence[Revision],
    legal_entity_ids: Sequence[str],
    differing_lineages: Collection[str],
) -> list[Base]:
    """Say which revision each contract is compared with.

    It is its entity's own last one that was about it; an entity that signed nothing of the month
    takes the last one of all contracts. One about some of which none differs is not compared.

    Args:
        settings: whose reference versions.
        signed: revisions of the month, in order of freezing.
        legal_entity_ids: whose lines are compared.
        differing_lineages: contracts that come to something else now.
    """
    bases = []
    scopes = {each.revision_id: RunScope.of_plain(each.pins.scope) for each in signed}
    whole = [each for each in signed if scopes[each.revision_id].has_all_contracts]
    for legal_entity_id in legal_entity_ids:
        own = [each for each in signed if each.legal_entity_id == legal_entity_id]
        taken: set[str] = set()
        for revision in reversed(own):
            scope = scopes[revision.revision_id]
            if scope.has_all_contracts:
                break
            folder = settings.reference_versions / revision.pins.reference_version
            scoped = scoped_contracts(
                compiled_tables(folder), scope, billing_period=revision.billing_period
            )
            lineages = frozenset(scoped.lineages) - taken
            taken |= lineages
            bases.append(
                Base(
                    legal_entity_id=legal_entity_id,
                    revision=revision,
                    lineages=lineages,
                    is_compared=bool(lineages & set(differing_lineages)),
                )
            )
        every = [each for each in whole if each in own] or whole
        bases += [
            Base(legal_entity_id=legal_entity_id, revision=revision, lineages=None)
            for revision in every[-1:]
        ]
    return bases


def bases_table(billing_period: str, bases: Sequence[Base]) -> pa.Table:
    """Return the bases of a month as rows of BASE_SCHEMA; one without lineage is of all others."""
    every_other: list[str | None] = [None]
    rows = [
        {
            "billing_period": billing_period,
            "legal_entity_id": base.legal_entity_id,
            "contract_lineage_id": lineage,
            "base_revision_id": base.revision.revision_id,
        }
        for base in bases
        for lineage in (every_other if base.lineages is None else sorted(base.lineages))
    ]
    return pa.Table.from_pylist(rows, schema=BASE_SCHEMA)


def with_same_inputs(bases: Sequence[Base]) -> list[tuple[Revision, dict[str, str]]]:
    """Group compared bases that one build serves: one of their revisions, and each entity's own."""
    groups: dict[tuple[_Inputs, int], tuple[Revision, dict[str, str]]] = {}
    for base in (each for each in bases if each.is_compared):
        pins = base.revision.pins
        inputs = (pins.ingestion_batch_ids, pins.reference_version)
        place = 0  # an entity with two bases of the same inputs has each in a group of its own
        while base.legal_entity_id in groups.get((inputs, place), (None, {}))[1]:
            place += 1
        _, names = groups.setdefault((inputs, place), (base.revision, {}))
        names[base.legal_entity_id] = base.revision.revision_id
    return list(groups.values())
