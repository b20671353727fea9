"""Whether the credits that a signature draws, or lets expire, are still there.

Belongs here: compare-and-set over credit grants, as commits.py does it over settlement keys. Does
not belong here: which grant pays for what, which dbt decides (billing/credits).

Two revisions may draw on one grant; each was computed before the other was signed.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.refusals import CreditOverdrawnError, listed
from orchestration.settings import Settings

_NOTHING: Final = Decimal(0)
_UNMOVED: Final = (_NOTHING, _NOTHING)
_DRAWN: Final = ("credit_draw", "credit_restore")
_KINDS: Final = (*_DRAWN, "credit_expire")


def read_grants(settings: Settings, reference_version: str) -> pa.Table:
    """The credit grants of a reference version: credit_grant_id, amount, unit.

    Raises:
        OSError: the version's tables cannot be read.
    """
    path = settings.reference_versions / reference_version / "tables" / "credit_grants.parquet"
    return pq.read_table(path, columns=["credit_grant_id", "amount", "unit"])


def refuse_overdrawn(signed: pa.Table, new: pa.Table, grants: Callable[[], pa.Table]) -> None:
    """Let only movements pass for which all movements of their grants so far leave room.

    A grant is never drawn, nor expires, beyond what it holds, and never gets back more than was
    drawn.

    Args:
        signed: the register's entries.
        new: those about to be signed, with the same columns.
        grants: gives what was granted; asked for only where credit moves.

    Raises:
        CreditOverdrawnError: names each grant with what it would come to.
    """
    moving = _moved_by_grant(new, _KINDS)
    if not moving:
        return
    granted = {
        row["credit_grant_id"]: (row["amount"], row["unit"] is not None)
        for row in grants().to_pylist()
    }
    before = _moved_by_grant(signed, _KINDS)
    returned = _moved_by_grant(pa.concat_tables([_moves(signed), _moves(new)]), _DRAWN)
    overdrawn = []
    for grant_id in sorted(moving):
        amount, is_of_units = granted.get(grant_id, (_NOTHING, False))
        side = 1 if is_of_units else 0
        gone_now = -moving[grant_id][side]
        gone = gone_now - before.get(grant_id, _UNMOVED)[side]
        drawn = -returned.get(grant_id, _UNMOVED)[side]
        if drawn < 0:
            overdrawn.append((grant_id, f"{grant_id} ({drawn:f} of {amount:f})"))
        elif gone_now > 0 and gone > amount:
            overdrawn.append((grant_id, f"{grant_id} ({gone:f} of {amount:f})"))
    if overdrawn:
        raise CreditOverdrawnError(
            f"Tried to sign movements of {len(overdrawn)} credit grants beyond what they hold, or "
            "beyond what was drawn of them: another "
            "signature moved them after these candidates were computed. "
            "Nothing was written. Close the billing period again (`tallyhouse run`), which counts "
            "with what is left, then sign the new revision. The grants, with what would be drawn "
            f"or expire, are {listed([text for _, text in overdrawn])}.",
            credit_grant_ids=[grant_id for grant_id, _ in overdrawn],
        )


def _moves(entries: pa.Table) -> pa.Table:
    return entries.select(["entry_kind", "credit_grant_id", "amount", "quantity"])


def _moved_by_grant(entries: pa.Table, kinds: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
    """Amount and quantity by which entries move what each grant holds; draws are negative."""
    sums = (
        _moves(entries.filter(pc.is_in(entries["entry_kind"], value_set=pa.array(kinds))))
        .group_by("credit_grant_id")
        .aggregate([("amount", "sum"), ("quantity", "sum")])
    )
    return {
        str(row["credit_grant_id"]): (row["amount_sum"], row["quantity_sum"] or _NOTHING)
        for row in sums.to_pylist()
    }
