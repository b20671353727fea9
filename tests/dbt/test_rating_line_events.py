"""From a rated line back to the events behind it: exactly those that were counted."""

from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rating_warehouse import BEFORE, RatingWarehouse, instant, write_rows

from orchestration.dbt import run_dbt
from orchestration.dbt_failures import DbtFailedError

MAKE_THE_VIEW = ("run", "--select", "fct_line_events")

EVENTS = pa.schema(
    [
        ("ingestion_batch_id", pa.int32()),
        ("file_id", pa.int32()),
        ("line_number", pa.int64()),
        ("ingested_at", pa.timestamp("us")),
        ("event_source", pa.string()),
        ("event_id", pa.string()),
        ("event_type", pa.string()),
        ("contract_version", pa.string()),
        ("subject", pa.string()),
        ("event_at", pa.timestamp("us")),
        ("event_at_nanos", pa.int16()),
        ("event_date", pa.date32()),
        ("key_hash", pa.int64()),
        ("digest_1", pa.int64()),
        ("digest_2", pa.int64()),
        ("d_model", pa.string()),
        ("d_status", pa.string()),
        ("q_quantity", pa.decimal128(38, 9)),
    ]
)
# id, instant, model, status: midnight in Kolkata is 18:30 UTC of the day before
RAW = (
    ("in the month", instant(2026, 10, 5, 9), "large", "200"),
    ("first instant", instant(2026, 9, 30, 18, 30), "large", "200"),
    ("before the month", instant(2026, 9, 30, 18, 29), "large", "200"),
    ("first instant after", instant(2026, 10, 31, 18, 30), "large", "200"),
    ("other model", instant(2026, 10, 5, 9), "small", "200"),
    ("filtered away", instant(2026, 10, 5, 9), "large", "500"),
    ("set aside", instant(2026, 10, 5, 9), "large", "200"),
)


class RawWarehouse(RatingWarehouse):
    """A rating warehouse that has the raw file of its events too."""

    def write_inputs(self):
        super().write_inputs()
        path = self.settings.raw / "events" / "part.parquet"
        write_rows(
            path,
            EVENTS,
            [
                {
                    "ingestion_batch_id": 1,
                    "file_id": 1,
                    "line_number": number,
                    "event_source": "/gateway/eu",
                    "event_id": event_id,
                    "event_type": "usage",
                    "subject": "tenant",
                    "event_at": instant,
                    "event_at_nanos": 0,
                    "event_date": instant.date(),
                    "d_model": model,
                    "d_status": status,
                    "q_quantity": 1,
                }
                for number, (event_id, instant, model, status) in enumerate(RAW, start=1)
            ],
        )
        parts = self.settings.warehouse_inputs / "raw_parts.parquet"
        part = {
            "path": str(path.relative_to(self.settings.data_dir)),
            "ingestion_batch_id": 1,
            "part_kind": "events",
            "content_sha256": "",
            "row_count": len(RAW),
            "byte_size": 1,
        }
        write_rows(parts, pq.read_schema(parts), [part])


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    warehouse = RawWarehouse(tmp_path_factory.mktemp("line_events"))
    warehouse.add_meter(
        "calls",
        aggregation="sum",
        dimensions=["model"],
        filters=[{"property": "status", "is_negated": False, "values": ["200"]}],
    )
    warehouse.add_plan("plan")
    warehouse.add_charge(
        "price",
        plan_id="plan",
        charge_id="calls",
        charge_model="per_unit",
        meter_id="calls",
        tiers={"USD": [{"unit_price": Decimal(1)}]},
    )
    warehouse.add_contract(
        "contract", plan_id="plan", start_date=date(2026, 9, 1), time_zone="Asia/Kolkata"
    )
    warehouse.add(
        "sources",
        source_prefix="/gateway",
        system_id="product",
        grace_hours=36,
        is_expected_daily=False,
    )
    warehouse.add(
        "identities",
        system_id="product",
        external_id="tenant",
        customer_id="customer-contract",
        valid_from_at=instant(2020, 1, 1),
    )
    for model in ("large", "small"):
        for day in (date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 5), date(2026, 11, 1)):
            warehouse.use("contract", "calls", day, dimension_key=f'{{"model":"{model}"}}')
    warehouse.set_aside.append(
        {
            "ingestion_batch_id": 1,
            "file_id": 1,
            "line_number": 7,
            "event_source": "/gateway/eu",
            "event_id": "set aside",
            "event_type": "usage",
            "subject": "tenant",
            "set_aside_reason": "exact_repeat",
        }
    )
    warehouse.build(*BEFORE, "tallyhouse.rating")
    return warehouse


def events_of(warehouse, cell_start_date, model):
    return [
        row["event_id"]
        for row in warehouse.rows(
            "select events.event_id from rating.fct_line_events as events "
            "inner join rating.fct_rated_lines as lines using (rated_line_id) "
            f"where lines.cell_start_date = '{cell_start_date}' "
            f"""and lines.dimension_key = '{{"model":"{model}"}}' order by events.event_at"""
        )
    ]


def test_a_line_leads_to_the_events_of_its_local_days_that_count(rated):
    """Invariant 8."""
    assert ["first instant", "in the month"] == events_of(rated, "2026-10-01", "large")


def test_an_event_on_the_edge_belongs_to_one_cell_only(rated):
    assert ["before the month"] == events_of(rated, "2026-09-01", "large")
    assert ["first instant after"] == events_of(rated, "2026-11-01", "large")


def test_dimensions_have_lines_and_events_of_their_own(rated):
    assert ["other model"] == events_of(rated, "2026-10-01", "small")


def test_the_way_to_the_events_is_made_without_opening_a_raw_file(rated):
    """Only a question for events looks for the files, and does not pass over a missing one."""
    events, away = rated.settings.raw / "events", rated.settings.raw / "elsewhere"
    events.rename(away)
    run_dbt(rated.settings, MAKE_THE_VIEW)
    with pytest.raises(duckdb.IOException, match=r"part\.parquet"):
        events_of(rated, "2026-10-01", "large")
    away.rename(events)
    assert ["first instant", "in the month"] == events_of(rated, "2026-10-01", "large")


def test_a_view_that_cannot_be_made_leaves_the_last_one_with_its_files(rated):
    rename = "alter table rating.{} rename to {}"
    with duckdb.connect(rated.settings.warehouse_file) as connection:
        connection.execute(rename.format("fct_rated_lines", "elsewhere"))
    with pytest.raises(DbtFailedError, match="fct_line_events"):
        run_dbt(rated.settings, MAKE_THE_VIEW)
    with duckdb.connect(rated.settings.warehouse_file) as connection:
        connection.execute(rename.format("elsewhere", "fct_rated_lines"))
    assert ["first instant", "in the month"] == events_of(rated, "2026-10-01", "large")


def test_without_raw_files_no_line_has_events(rated):
    RatingWarehouse.write_inputs(rated)
    run_dbt(rated.settings, MAKE_THE_VIEW)
    assert [] == rated.rows("from rating.fct_line_events")
