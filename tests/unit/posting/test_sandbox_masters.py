"""The sandbox learns its masters from the reference data."""

import pyarrow as pa
import pyarrow.parquet as pq
from posting_house import SignedDocument

from orchestration.billing.posting_masters import load_masters
from orchestration.price_book.table_schemas import input_file_name


def write_inputs(house, item):
    house.settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    tables = {
        "legal_entities": [
            {"legal_entity_id": "us", "legal_entity_name": "US", "time_zone": "UTC"}
        ],
        "customers": [
            {"customer_id": "acme", "customer_name": "Acme", "erp_customer_number": None}
        ],
        "products": [{"product_id": "p", "erp_item": item}, {"product_id": "q", "erp_item": None}],
    }
    for name, rows in tables.items():
        pq.write_table(
            pa.Table.from_pylist(rows), house.settings.warehouse_inputs / input_file_name(name)
        )


def test_a_document_goes_out_once_its_item_is_in_the_reference_data(house):
    house.sign(SignedDocument("U1", [("STORAGE", "1", "2.00")]))
    house.plan()
    write_inputs(house, "OTHER")
    assert load_masters(house.settings, erp=house.erp())
    house.post()
    assert "unknown_item" == house.posting("U1").error_code
    write_inputs(house, "STORAGE")
    load_masters(house.settings, erp=house.erp())
    assert 1 == house.post().posted


def test_an_erp_that_owns_its_masters_receives_none(house):
    class OwnsItsMasters:
        name = "real"

    assert not load_masters(house.settings, erp=OwnsItsMasters())
