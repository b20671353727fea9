"""Which signed revisions a pack is about, and what of the register it needs for them.

Belongs here: finding them, refusing what is not signed. Does not belong here: tables and files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from orchestration.billing.manifests import ListedFile, Manifest
from orchestration.billing.refusals import (
    PeriodNotSignedError,
    RevisionUnknownError,
    listed,
)
from orchestration.billing.revisions import Revision, refuse_invalid_period, revisions_of

_DECEMBER = 12


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a pack is about.

    Attributes:
        billing_period: YYYY-MM of the runs that froze the revisions.
        revision_ids: the signed revisions, in order of their freeze.
        legal_entity_ids: theirs, ascending.
    """

    billing_period: str
    revision_ids: tuple[str, ...]
    legal_entity_ids: tuple[str, ...]

    @property
    def period_before(self) -> str:
        """The month before, YYYY-MM."""
        year, month = map(int, self.billing_period.split("-"))
        return f"{year - 1}-{_DECEMBER}" if month == 1 else f"{year}-{month - 1:02d}"

    def plain(self) -> dict[str, Any]:
        """The subject as JSON."""
        return {
            "billing_period": self.billing_period,
            "period_before": self.period_before,
            "revision_ids": list(self.revision_ids),
            "legal_entity_ids": list(self.legal_entity_ids),
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The subject that plain() wrote."""
        return cls(
            billing_period=plain["billing_period"],
            revision_ids=tuple(plain["revision_ids"]),
            legal_entity_ids=tuple(plain["legal_entity_ids"]),
        )


def find_subject(
    chain: Sequence[Manifest],
    *,
    billing_period: str,
    legal_entity_ids: Sequence[str] = (),
    revision_number: int | None = None,
) -> Subject:
    """Find the signed revisions that are asked for.

    Args:
        chain: the commits of the register.
        billing_period: YYYY-MM, the period of their run.
        legal_entity_ids: only these; none means every entity.
        revision_number: which one of each entity; None means all that are signed.

    Raises:
        PeriodInvalidError: the period is no month.
        RevisionUnknownError: nothing of that period, entity and number was frozen.
        PeriodNotSignedError: what was frozen of it is not signed.
    """
    refuse_invalid_period(billing_period)
    known = revisions_of(chain)
    of_period = [
        revision
        for revision in known.values()
        if revision.billing_period == billing_period
        and (not legal_entity_ids or revision.legal_entity_id in legal_entity_ids)
        and revision_number in (None, revision.revision_number)
    ]
    signed = [revision for revision in of_period if revision.state == "signed"]
    missing = sorted(set(legal_entity_ids) - {each.legal_entity_id for each in signed})
    if not signed or missing:
        _refuse(known, of_period, missing, billing_period=billing_period)
    return Subject(
        billing_period=billing_period,
        revision_ids=tuple(revision.revision_id for revision in signed),
        legal_entity_ids=tuple(sorted({revision.legal_entity_id for revision in signed})),
    )


def needed_files(chain: Sequence[Manifest], subject: Subject) -> list[ListedFile]:
    """Files of the register that a pack's tables are made from.

    They are those of its own revisions and signatures, of the signatures of the month before, and
    of what was recorded by itself.
    """
    before = signed_before(chain, subject)
    wanted = {*subject.revision_ids, *before}
    files: dict[str, ListedFile] = {}
    for manifest in chain:
        revision_id = manifest.subject.get("revision_id")
        is_own = manifest.kind in ("freeze", "explain") and revision_id in subject.revision_ids
        is_signed = manifest.kind == "sign" and revision_id in wanted
        if is_own or is_signed or manifest.kind == "record":
            files |= {each.path: each for each in manifest.files}
    return [files[path] for path in sorted(files)]


def signed_before(chain: Sequence[Manifest], subject: Subject) -> tuple[str, ...]:
    """Signed revisions of the month before, of the same legal entities."""
    return tuple(
        revision.revision_id
        for revision in revisions_of(chain).values()
        if revision.billing_period == subject.period_before
        and revision.legal_entity_id in subject.legal_entity_ids
        and revision.state == "signed"
    )


def _refuse(
    known: Mapping[str, Revision],
    of_period: Sequence[Revision],
    missing: Sequence[str],
    *,
    billing_period: str,
) -> None:
    whose = f" of {listed(missing)}" if missing else ""
    tried = f"Gathered evidence of {billing_period}{whose}"
    if of_period:
        states = [f"{each.revision_id} is {each.state}" for each in of_period]
        raise PeriodNotSignedError(
            f"{tried}: it is not signed ({listed(states)}). Sign it, then gather its evidence."
        )
    there = [name for name in known if f":{billing_period}:" in name]
    raise RevisionUnknownError(
        f"{tried}: there is no such revision. "
        + (f"There are {listed(there)}." if there else "Nothing of that period was frozen.")
    )
