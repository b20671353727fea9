"""The rating benchmark's own ground: the workload is what it says, and both sides rate it."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import Settings
from tests.benchmarks.bench_rating import count_differing
from tests.benchmarks.measured_rating import BARE_FILE, bare, rate
from tests.benchmarks.rating_workload import (
    CHARGES,
    DAYS,
    ROWS_PER_CONTRACT,
    write_rating_workload,
)

CONTRACTS = 10


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = write_rating_workload(tmp_path_factory.mktemp("rated"), CONTRACTS)
    bare(settings)
    rate(settings)
    return settings


def answered(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.warehouse_file, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_each_charge_of_each_contract_is_metered_every_day(rated: Settings) -> None:
    rows = answered(
        rated,
        "select contract_id, meter_id, count(*), count(distinct local_date) "
        "from intermediate.int_usage__metered group by contract_id, meter_id order by all",
    )
    contracts = [f"contract-{number:07}" for number in range(CONTRACTS)]
    assert [
        (contract, charge, DAYS, DAYS) for contract in contracts for charge in sorted(CHARGES)
    ] == rows
    assert CONTRACTS * ROWS_PER_CONTRACT == sum(row[2] for row in rows)


def test_a_size_always_makes_the_same_rows(rated: Settings, tmp_path: Path) -> None:
    query = "from intermediate.int_usage__counted order by all"
    again = write_rating_workload(tmp_path, CONTRACTS)
    assert answered(rated, query) == answered(again, query)


def test_each_charge_is_one_line_and_no_exception(rated: Settings) -> None:
    rows = answered(rated, "select charge_id, exception_code from rating.fct_rated_lines")
    assert dict.fromkeys(((charge, None) for charge in CHARGES), CONTRACTS) == Counter(rows)


def test_every_tier_is_where_some_contract_ends(rated: Settings) -> None:
    rows = answered(
        rated,
        "select lines.charge_id, max(tiers.tier_number) "
        "from rating.fct_rated_line_tiers as tiers "
        "inner join rating.fct_rated_lines as lines using (rated_line_id) "
        "group by lines.rated_line_id, lines.charge_id",
    )
    assert {(charge, tier) for charge in CHARGES for tier in (1, 2, 3)} == set(rows)


def test_both_sides_agree_in_quantity_to_the_last_digit(rated: Settings) -> None:
    assert 0 == count_differing(rated)
    [(quantity,)] = answered(rated, "select sum(quantity) from rating.fct_rated_lines")
    [(metered,)] = answered(rated, "select sum(quantity_sum) from intermediate.int_usage__counted")
    assert metered == quantity > 0


def test_a_line_with_another_quantity_is_counted(rated: Settings) -> None:
    change = (
        "update bare_lines set quantity = quantity + cast(? as decimal(38, 9)) "
        "where contract_id = 'contract-0000003' and charge_id = 'seats'"
    )
    found = []
    for step in (Decimal("0.000000001"), Decimal("-0.000000001")):
        with duckdb.connect(rated.warehouse / BARE_FILE) as connection:
            connection.execute(change, [step])
        found.append(count_differing(rated))
    assert [1, 0] == found
