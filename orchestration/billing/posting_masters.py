"""Master data for an ERP that has none of its own: the sandbox, in the demo and in tests.

Belongs here: reference data as ErpMasters. Does not belong here: masters of a real ERP, which is
their owner and never receives them from here.
"""

import pyarrow.parquet as pq

from adapters.models import ErpCurrency, ErpCustomer, ErpLegalEntity, ErpMasters
from adapters.protocols import ErpAdapter, TakesMasters
from orchestration.price_book.currencies import minor_units
from orchestration.price_book.table_schemas import input_file_name
from orchestration.settings import Settings


def load_masters(settings: Settings, *, erp: ErpAdapter) -> bool:
    """Make the current reference data known to the ERP, if it is one that takes masters.

    Reads the files of legal entities, customers and products in warehouse/inputs, and the ISO 4217
    seed.

    Returns:
        Whether it took them.
    """
    if not isinstance(erp, TakesMasters):
        return False
    folder = settings.warehouse_inputs
    entities = pq.read_table(
        folder / input_file_name("legal_entities"), columns=["legal_entity_id", "legal_entity_name"]
    )
    customers = pq.read_table(
        folder / input_file_name("customers"),
        columns=["customer_id", "customer_name", "erp_customer_number"],
    )
    products = pq.read_table(folder / input_file_name("products"), columns=["erp_item"])
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
