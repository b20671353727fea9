"""Adapters by name: the one place that knows which systems can be talked to.

Belongs here: name to constructor. Does not belong here: choosing a name, which is the
installation's setting; credentials, which each adapter's configuration reads.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from adapters.errors import UnknownAdapterError
from adapters.models import IdempotencyClass
from adapters.protocols import CrmAdapter, ErpAdapter
from adapters.sandbox.crm import SandboxCrm
from adapters.sandbox.erp import SandboxErp
from adapters.sandbox.faults import NO_FAULTS, FaultPlan

ERP_CLASSES = {
    "sandbox": IdempotencyClass.SERVER_KEY,
    "sandbox_draft_then_post": IdempotencyClass.DRAFT_THEN_POST,
}
CRM_NAMES = ("sandbox",)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def erp_adapter(
    name: str,
    *,
    sandbox_folder: Path,
    now_fn: Callable[[], datetime] = _utc_now,
    faults: FaultPlan = NO_FAULTS,
) -> ErpAdapter:
    """Open the ERP adapter of that name.

    Raises:
        UnknownAdapterError: there is none.
    """
    if name not in ERP_CLASSES:
        raise _unknown("ERP", name, tuple(ERP_CLASSES))
    return SandboxErp(
        sandbox_folder,
        name=name,
        idempotency_class=ERP_CLASSES[name],
        now_fn=now_fn,
        faults=faults,
    )


def crm_adapter(
    name: str,
    *,
    sandbox_folder: Path,
    now_fn: Callable[[], datetime] = _utc_now,
    faults: FaultPlan = NO_FAULTS,
) -> CrmAdapter:
    """Open the CRM adapter of that name.

    Raises:
        UnknownAdapterError: there is none.
    """
    if name not in CRM_NAMES:
        raise _unknown("CRM", name, CRM_NAMES)
    return SandboxCrm(sandbox_folder, name=name, now_fn=now_fn, faults=faults)


def _unknown(kind: str, name: str, known: tuple[str, ...]) -> UnknownAdapterError:
    return UnknownAdapterError(
        f"Tried to open the {kind} adapter {name!r}: there is none. Set TALLYHOUSE_{kind} to one "
        f"of {', '.join(known)}."
    )
