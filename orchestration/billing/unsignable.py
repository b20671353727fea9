"""Which frozen revisions cannot be signed, said when they are frozen and not when somebody tries.

Belongs here: the notice. Does not belong here: the judgement of checks (checks.py), the refusal of
a signature (sign_off_rules.py).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Engine

from orchestration.billing.checks import judge
from orchestration.billing.derived_rows import read_check_results
from orchestration.billing.refusals import listed
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, revisions_of
from orchestration.settings import Settings


def unsignable_notice(
    settings: Settings, engine: Engine, revisions: Sequence[Revision]
) -> str | None:
    """Say which revisions a red or missing check keeps from being signed, and what to do.

    Names also the revisions that these superseded and that could have been signed.

    Args:
        settings: the installation.
        engine: its operations database, with the check results of these revisions.
        revisions: of one billing period, as freeze returned them.

    Returns:
        One paragraph per set of checks, or None where every frozen revision can be signed.

    Raises:
        RegisterDamagedError: a manifest of the register is missing or changed.
    """
    known = revisions_of(Register(settings.register).chain())
    by_obstacles: dict[tuple[str, ...], list[Revision]] = {}
    for revision in revisions:
        obstacles = _obstacles(engine, revision)
        if obstacles:
            by_obstacles.setdefault(obstacles, []).append(revision)
    notices = []
    for obstacles, kept in by_obstacles.items():
        lost = [
            older.revision_id
            for older in filter(None, (_superseded(known, revision) for revision in kept))
            if not _obstacles(engine, older)
        ]
        notices.append(_notice(obstacles, kept, lost))
    return "\n".join(notices) or None


def _obstacles(engine: Engine, revision: Revision) -> tuple[str, ...]:
    judgement = judge(
        read_check_results(engine, revision), required_checks=revision.required_checks
    )
    red = (f"{name} is red" for name in judgement.red)
    return (*red, *(f"{name} has no result" for name in judgement.missing))


def _superseded(known: Mapping[str, Revision], revision: Revision) -> Revision | None:
    """The revision before this one, if this one took its place."""
    before = known.get(
        f"{revision.legal_entity_id}:{revision.billing_period}:r{revision.revision_number - 1}"
    )
    return before if before is not None and before.state == "superseded" else None


def _notice(obstacles: Sequence[str], revisions: Sequence[Revision], lost: Sequence[str]) -> str:
    ids = listed([revision.revision_id for revision in revisions])
    place = (
        f" In place of {listed(lost)}, whose checks were green and which cannot be signed any more."
        if lost
        else ""
    )
    return (
        f"Cannot be signed: {ids}, since {listed(obstacles)}.{place} Look at the figures in the "
        "period's checks, correct what they name, and close the period again (`tallyhouse run "
        f"--period {revisions[0].billing_period}`), which freezes what can be signed."
    )
