"""A warehouse that was deleted, or was never built: who works on it is told how to build it.

Belongs here: whether the models are there. Does not belong here: building them (pipeline.py).
"""

from orchestration.failures import RefusedError
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_IS_BUILT = "select 1 from duckdb_tables() where schema_name = 'rating' limit 1"


class WarehouseNotBuiltError(RefusedError):
    """The warehouse holds no models."""

    code = "warehouse_not_built"


def refuse_unbuilt(settings: Settings, *, tried: str, wait_seconds: float) -> None:
    """Let only who has models to work on go on.

    Args:
        settings: whose warehouse.
        tried: the deed, for the message.
        wait_seconds: how long to wait for whoever works on it now.

    Raises:
        WarehouseNotBuiltError: there are none; says how to build them.
        WarehouseBusyError: another process still held the warehouse.
    """
    with open_warehouse(settings, wait_seconds=wait_seconds) as connection:
        if not connection.execute(_IS_BUILT).fetchall():
            raise WarehouseNotBuiltError(
                f"{tried}: {settings.warehouse_file} holds no models, since it was never built or "
                "was deleted. Nothing is lost with it. Run `tallyhouse run --period YYYY-MM` with "
                "the latest billing period, which builds all of it, then run this again."
            )
