"""A table is replaced where it stands, in one transaction: whole, or not at all."""

import duckdb
import pytest
from rating_warehouse import RatingWarehouse

from orchestration.dbt import run_dbt
from orchestration.dbt_failures import DbtFailedError
from orchestration.price_book.table_schemas import input_file_name


def change_customers(warehouse, change):
    """Rewrite the customers that dbt reads, with columns replaced."""
    path = warehouse.settings.warehouse_inputs / input_file_name("customers")
    with duckdb.connect() as connection:
        connection.execute(f"create table changed as select * replace ({change}) from '{path}'")
        connection.execute(f"copy changed to '{path}' (format parquet)")


def names(warehouse):
    return [
        row["customer_name"]
        for row in warehouse.rows("select customer_name from billing.dim_customers order by all")
    ]


def test_a_table_that_breaks_its_contract_leaves_the_last_one(tmp_path):
    warehouse = RatingWarehouse(tmp_path)
    for customer_id in ("acme", "bolt"):
        warehouse.add("customers", customer_id=customer_id, customer_name=customer_id)
    warehouse.build("+dim_customers")
    assert ["acme", "bolt"] == names(warehouse)

    change_customers(warehouse, "nullif(customer_id, 'bolt') as customer_id, 'x' as customer_name")
    with pytest.raises(DbtFailedError, match="dim_customers"):
        run_dbt(warehouse.settings, ["run", "--select", "dim_customers"])
    assert ["acme", "bolt"] == names(warehouse)

    change_customers(warehouse, "coalesce(customer_id, 'bolt') as customer_id")
    run_dbt(warehouse.settings, ["run", "--select", "dim_customers"])
    assert ["x", "x"] == names(warehouse)
