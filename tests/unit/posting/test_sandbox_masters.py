"""The sandbox learns its masters from the reference data."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from posting_house import SignedDocument

from orchestration.billing.posting_masters import load_masters
from orchestration.operations_db.tables import reference_versions

LOADED_AT = datetime(2026, 11, 1, tzinfo=UTC)


def put_in_force(house, version, item):
    folder = house.settings.reference_versions / version
    (folder / "tables").mkdir(parents=True)
    (folder / "version.json").write_text("{}")
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
        pq.write_table(pa.Table.from_pylist(rows), folder / "tables" / f"{name}.parquet")
    row = {"reference_version": version, "content_sha256": version}
    with house.engine.begin() as connection:
        loaded_at = LOADED_AT + timedelta(days=int(version))
        connection.execute(sa.insert(reference_versions).values(loaded_at=loaded_at, **row))


def test_a_document_goes_out_once_its_item_is_in_the_reference_data(house):
    house.sign(SignedDocument("U1", [("STORAGE", "1", "2.00")]))
    house.plan()
    put_in_force(house, "1", "OTHER")
    assert load_masters(house.settings, house.engine, erp=house.erp())
    house.post()
    assert "unknown_item" == house.posting("U1").error_code
    put_in_force(house, "2", "STORAGE")
    load_masters(house.settings, house.engine, erp=house.erp())
    assert 1 == house.post().posted


def test_an_erp_that_owns_its_masters_receives_none(house):
    class OwnsItsMasters:
        name = "real"

    assert not load_masters(house.settings, house.engine, erp=OwnsItsMasters())
