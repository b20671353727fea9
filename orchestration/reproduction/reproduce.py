"""Rebuilding frozen revisions in a scratch data directory, and comparing them with what was signed.

Belongs here: which revisions are asked for, which of them one build serves, the build, the verdict.
Does not belong here: what goes into the directory (scratch.py); what differs (comparison.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, TypeAlias

from orchestration.billing.code_version import code_version
from orchestration.billing.freeze import freeze
from orchestration.billing.manifests import DECIDING_KINDS, Manifest
from orchestration.billing.refusals import RevisionUnknownError, listed
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, refuse_invalid_period, revisions_of
from orchestration.billing.run_scope import RunScope
from orchestration.failures import RefusedError
from orchestration.pipeline import RATING, Installation, build_models, write_inputs
from orchestration.reproduction.comparison import (
    NOTHING,
    LineDifference,
    differing_parts,
    line_differences,
    read_parts,
)
from orchestration.reproduction.scratch import make_scratch, scratch_folder
from orchestration.rerating.excerpt import rate_excerpt
from orchestration.rerating.reference_tables import compiled_tables
from orchestration.rerating.scope import scoped_contracts

_MODELS: Final = (*RATING, "--exclude-resource-type", "test")
"""Here the digest is judged; what data tests look at was judged before it was signed."""
_Inputs: TypeAlias = tuple[tuple[int, ...], str, int, RunScope]


class ReproductionDiffersError(RefusedError):
    """A revision that is rebuilt from its inputs is not what it was."""

    code = "reproduction_differs"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A revision and its rebuild.

    Attributes:
        revision: as it was frozen.
        code_version: what it was rebuilt with; the revision names what it was frozen with.
        differing: which of inputs, documents, lines and provenance are others; empty where the
            digest is the same.
        lines: settlement keys with another amount.
    """

    revision: Revision
    code_version: str
    differing: tuple[str, ...]
    lines: Sequence[LineDifference]

    @property
    def is_same(self) -> bool:
        """Whether the rebuild has the digest of the revision."""
        return not self.differing


def reproduce(
    installation: Installation,
    *,
    billing_period: str,
    legal_entity_ids: Sequence[str] = (),
    revision_number: int | None = None,
) -> list[Reproduction]:
    """Rebuild revisions of a billing period from raw files, reference version and register.

    The rebuild is made in warehouse/reproduced and taken away again; nothing of the installation is
    touched. Later batches, reference versions and signatures are not there for it.

    Args:
        installation: whose revisions.
        billing_period: YYYY-MM, the period of their run.
        legal_entity_ids: only these; none means every entity.
        revision_number: which one; without it each entity's last signed revision.

    Returns:
        One reproduction for each, by entity.

    Raises:
        RevisionUnknownError: there is no such revision.
        InputsGoneError: what it was computed from is missing or changed.
        DbtFailedError: a model could not be built.
        WarehouseBusyError: another process rebuilt something for too long.
    """
    settings = installation.settings
    refuse_invalid_period(billing_period)
    chain = Register(settings.register).chain()
    wanted = _wanted(revisions_of(chain), billing_period, legal_entity_ids, revision_number)
    found: list[Reproduction] = []
    with scratch_folder(settings, "reproduced") as folder, installation.operations() as engine:
        for together in _with_same_inputs(wanted, chain):
            scratch = make_scratch(
                settings,
                engine,
                folder,
                pins=together[0].pins,
                register_sequence=min(each.register_head.sequence for each in together),
            )
            rebuilding = replace(installation, settings=scratch)
            found.extend(_rebuilt(rebuilding, installation, together))
    return sorted(found, key=lambda each: each.revision.legal_entity_id)


def refuse_differing(reproductions: Sequence[Reproduction]) -> None:
    """Let nobody go on who relies on the signed figures.

    Raises:
        ReproductionDiffersError: names each revision that is not what it was.
    """
    differing = [each for each in reproductions if not each.is_same]
    if differing:
        found = "; ".join(
            f"{each.revision.revision_id} has other {', '.join(each.differing)}"
            for each in differing
        )
        mine = differing[0].code_version
        others = sorted({each.revision.pins.code_version for each in differing} - {mine})
        raise ReproductionDiffersError(
            f"Rebuilt {len(reproductions)} revisions with code {mine}: {found}. "
            + (
                f"Rebuild them with the code that froze them, {listed(others)}."
                if others
                else "The same code froze them, so an input is not what it was."
            )
        )


def _wanted(
    revisions: Mapping[str, Revision],
    billing_period: str,
    legal_entity_ids: Sequence[str],
    revision_number: int | None,
) -> list[Revision]:
    of_period = [
        revision
        for revision in revisions.values()
        if revision.billing_period == billing_period
        and (not legal_entity_ids or revision.legal_entity_id in legal_entity_ids)
        and (
            revision.state == "signed"
            if revision_number is None
            else revision.revision_number == revision_number
        )
    ]
    latest = {revision.legal_entity_id: revision for revision in of_period}
    missing = sorted(set(legal_entity_ids) - set(latest))
    if not latest or missing:
        which = "signed revision" if revision_number is None else f"revision {revision_number}"
        whose = f" of {listed(missing)}" if missing else ""
        there = [each for each in revisions if f":{billing_period}:" in each]
        raise RevisionUnknownError(
            f"Looked for the {which}{whose} of {billing_period}: there is none. "
            + (f"There are {listed(there)}." if there else "Nothing of that period was frozen.")
        )
    return list(latest.values())


def _with_same_inputs(
    revisions: Sequence[Revision], chain: Sequence[Manifest]
) -> Iterator[list[Revision]]:
    """Group revisions that one build serves.

    Between their freezes there are only other freezes of their own period: a signature changes what
    was billed, and any commit about another period may open or close it.
    """

    def inputs(revision: Revision) -> _Inputs:
        others = [
            manifest.sequence
            for manifest in chain[: revision.register_head.sequence]
            if manifest.kind in DECIDING_KINDS
            or (
                manifest.kind == "freeze"
                and manifest.subject["content"]["billing_period"] != revision.billing_period
            )
        ]
        pins = revision.pins
        last = max(others, default=0)
        scope = RunScope.of_plain(pins.scope)
        return pins.ingestion_batch_ids, pins.reference_version, last, scope

    for _, together in groupby(sorted(revisions, key=inputs), key=inputs):
        yield list(together)


def _rebuilt(
    scratch: Installation, installation: Installation, revisions: Sequence[Revision]
) -> Iterator[Reproduction]:
    reference = write_inputs(scratch)
    build_models(scratch, _MODELS)
    scope = RunScope.of_plain(revisions[0].pins.scope)
    billing_period = revisions[0].billing_period
    with scratch.operations() as engine:
        rated_in = scratch.settings
        if not scope.has_all_contracts:
            tables = compiled_tables(reference.folder)
            scoped = scoped_contracts(tables, scope, billing_period=billing_period)
            folder = scratch.settings.warehouse / "rated_again"
            rated_in = rate_excerpt(scratch, engine, reference, scoped, folder=folder).settings
        rebuilt = freeze(
            scratch.settings,
            engine,
            billing_period=billing_period,
            now=max(revision.frozen_at for revision in revisions),
            scope=scope,
            rated_in=rated_in,
        )
    again = {revision.legal_entity_id: revision for revision in rebuilt}
    for revision in revisions:
        mine = again.get(revision.legal_entity_id)
        then = read_parts(Register(installation.settings.register), revision)
        now = read_parts(Register(scratch.settings.register), mine) if mine else NOTHING
        yield Reproduction(
            revision=revision,
            code_version=code_version(),
            differing=differing_parts(revision, mine, parts=then, rebuilt_parts=now),
            lines=line_differences(then["lines"], now["lines"]),
        )
