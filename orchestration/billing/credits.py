"""Whether the credits that a signature draws are still there.

Belongs here: compare-and-set over credit grants, as commits.py does it over settlement keys. Does
not belong here: which grant pays for what, which dbt decides (billing/credits).

Two revisions may draw on one grant; each was computed before the other was signed.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.entries import CREDIT_KINDS
from orchestration.billing.refusals import CreditOverdrawnError, listed
from orchestration.settings import Settings

_NOTHING: Final = Decimal(0)


def read_grants(settings: Settings, reference_version: str) -> pa.Table:
    """The credit grants of a reference version: credit_grant_id, amount, unit.

    Raises:
        OSError: the version's tables cannot be read.
    """
    path = settings.reference_versions / reference_version / "tables" / "credit_grants.parquet"
    return pq.read_table(path, columns=["credit_grant_id", "amount", "unit"])


def refuse_overdrawn(signed: pa.Table, new: pa.Table, grants: Callable[[], pa.Table]) -> None:
    """Let only draws pass that all draws of their grants so far leave room for.

    Args:
        signed: the register's entries.
        new: those about to be signed, with the same columns.
        grants: gives what was granted; asked for only where something is drawn.

    Raises:
        CreditOverdrawnError: names each grant with what it would come to.
    """
    draws = _movements(new)
    if not draws:
        return
    granted = {
        row["credit_grant_id"]: (row["amount"], row["unit"] is not None)
        for row in grants().to_pylist()
    }
    moved: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for grant_id, amount, quantity in [*_movements(signed), *draws]:
        moved.setdefault(grant_id, []).append((amount, quantity))
    overdrawn = []
    for grant_id in sorted({grant_id for grant_id, *_ in draws}):
        amount, is_of_units = granted.get(grant_id, (_NOTHING, False))
        drawn = -sum((each[1 if is_of_units else 0] for each in moved[grant_id]), _NOTHING)
        if drawn > amount:
            overdrawn.append((grant_id, f"{grant_id} ({drawn:f} of {amount:f})"))
    if overdrawn:
        raise CreditOverdrawnError(
            f"Tried to sign draws on {len(overdrawn)} credit grants beyond what they hold: another "
            "signature drew on them after these candidates were computed. "
            "Nothing was written. Close the billing period again (`tallyhouse run`), which draws "
            "on what is left, then sign the new revision. The grants are "
            f"{listed([text for _, text in overdrawn])}.",
            credit_grant_ids=[grant_id for grant_id, _ in overdrawn],
        )


def _movements(entries: pa.Table) -> list[tuple[str, Decimal, Decimal]]:
    """Grant, amount and quantity of every entry that moves what a grant holds."""
    kinds = pa.array([kind for kind in CREDIT_KINDS if kind != "credit_grant"])
    rows: list[dict[str, Any]] = (
        entries.filter(pc.is_in(entries["entry_kind"], value_set=kinds))
        .select(["credit_grant_id", "amount", "quantity"])
        .to_pylist()
    )
    return [(row["credit_grant_id"], row["amount"], row["quantity"] or _NOTHING) for row in rows]
