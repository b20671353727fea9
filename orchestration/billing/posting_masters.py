"""Master data for an ERP that has none of its own: the sandbox, in the demo and in tests.

Belongs here: reference data as ErpMasters. Does not belong here: masters of a real ERP, which is
their owner and never receives them from here.
"""

import pyarrow.parquet as pq
from sqlalchemy.engine import Engine

from adapters.models import ErpCurrency, ErpCustomer, ErpLegalEntity, ErpMasters
from adapters.protocols import ErpAdapter, TakesMasters
from orchestration.price_book import current_reference
from orchestration.price_book.currencies import minor_units
from orchestration.settings import Settings


def load_masters(settings: Settings, engine: Engine, *, erp: ErpAdapter) -> bool:
    """Make the reference data in force known to the ERP, if it is one that takes masters.

    Reads the compiled legal entities, customers and products of the version, and the ISO 4217 seed.

    Returns:
        Whether it took them.

    Raises:
        ReferenceMissingError: no version is in force, or its folder is gone.
    """
    if not isinstance(erp, TakesMasters):
        return False
    folder = current_reference(settings, engine).folder / "tables"
    entities = pq.read_table(
        folder / "legal_entities.parquet", columns=["legal_entity_id", "legal_entity_name"]
    )
    customers = pq.read_table(
        folder / "customers.parquet",
        columns=["customer_id", "customer_name", "erp_customer_number"],
    )
    products = pq.read_table(folder / "products.parquet", columns=["erp_item"])
    erp.load_masters(
        ErpMasters(
            legal_entities=tuple(ErpLegalEntity(**row) for row in entities.to_pylist()),
            customers=tuple(ErpCustomer(**row) for row in customers.to_pylist()),
            items=tuple(sorted({item for item in products["erp_item"].to_pylist() if item})),
            currencies=tuple(
                ErpCurrency(currency_code=code, minor_unit=digits)
                for code, digits in minor_units().items()
            ),
        )
    )
    return True
