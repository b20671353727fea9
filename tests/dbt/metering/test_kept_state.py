"""Files or tables that are not as the last run left them: what is counted then, or refused."""

from decimal import Decimal

import pytest

from orchestration.dbt_failures import DbtFailedError


def test_an_affected_list_is_read_for_its_sources_only_once(warehouse, event, noon):
    """And again where the list of a batch is another one, which then counts alone."""
    sources = (
        "select ingestion_batch_id, event_source from staging.stg_usage__source_days order by all"
    )
    arrived = (
        "select event_source, event_date, event_count from intermediate.int_source_days__arrived "
        "order by all"
    )
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us"))
    warehouse.count()
    (warehouse.settings.raw / "affected" / "batch-1.parquet").unlink()
    warehouse.load(event("c", noon))
    warehouse.count()
    assert [(1, "/gateway/eu"), (1, "/gateway/us"), (2, "/gateway/eu")] == warehouse.rows(sources)
    assert [("/gateway/eu", noon.date(), 2), ("/gateway/us", noon.date(), 1)] == warehouse.rows(
        arrived
    )
    warehouse.parts.clear()
    warehouse.load(event("d", noon, event_source="/gateway/jp"))
    warehouse.count()
    assert (1, "/gateway/jp") in warehouse.rows(sources)
    assert [("/gateway/jp", noon.date(), 1)] == warehouse.rows(arrived)
    assert {"calls": 1} == warehouse.usage()


def test_other_raw_files_under_the_same_numbers_are_all_taken_in_again(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.parts.clear()
    warehouse.load(event("b", noon), event("c", noon, subject="other"), event("b", noon))
    warehouse.count()
    assert {"acme": 1, "other": 1} == warehouse.usage(of="subject")


def test_rebuilding_one_table_from_a_part_of_the_batches_is_refused(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.load(event("b", noon))
    warehouse.count()
    with pytest.raises(DbtFailedError, match=r"Select stg_usage__events\+ with --full-refresh"):
        warehouse.count("--full-refresh", select=("int_usage__counted",))
    warehouse.count()
    assert {"calls": 2} == warehouse.usage()


def test_an_event_that_no_affected_list_names_stops_the_run(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, subject="other"))
    warehouse.parts = [part for part in warehouse.parts if part["part_kind"] != "affected"]
    with pytest.raises(DbtFailedError, match="NOT NULL constraint failed"):
        warehouse.count()


def test_tables_of_an_earlier_version_gain_columns_and_are_not_counted_again(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.add_meter("users", "unique_count", distinct_property="user")
    warehouse.load(event("a", noon, properties={"user": "ana"}))
    warehouse.count()
    later = {
        "int_usage__counted": ("quarter_hour_at", "quantity_min"),
        "int_distinct_values__counted": ("quarter_hour_at", "event_count", "has_add"),
    }
    for view in ("int_usage__metered", "int_usage__distinct_values", "int_usage__kept_events"):
        warehouse.rows(f"drop view intermediate.{view}")
    warehouse.rows("drop table intermediate.int_events__kept")
    for table, columns in later.items():
        for column in columns:
            warehouse.rows(f"alter table intermediate.{table} drop column {column}")
    warehouse.load(event("b", noon, properties={"user": "bo"}))
    warehouse.count()
    opened = "select after_batch_id from intermediate.model_progress where model_name like 'stg%'"
    assert [(1,)] == warehouse.rows(opened)
    assert {"calls": 2, "users": 2} == warehouse.usage()
    assert [("ana",), ("bo",)] == warehouse.rows(
        "select distinct_value from intermediate.int_usage__distinct_values order by all"
    )


def test_events_that_a_meter_needs_are_found_again_where_their_table_is_missing(
    warehouse, event, noon
):
    warehouse.add_meter("level", "weighted_sum", value="gb", carry_in="previous")
    warehouse.load(event("a", noon, properties={"gb": 1}))
    warehouse.count()
    warehouse.rows("drop table intermediate.int_events__kept cascade")
    warehouse.load(event("b", noon, properties={"gb": 2}))
    warehouse.count()
    assert [("a", Decimal(1)), ("b", Decimal(2))] == warehouse.rows(
        "select event_id, quantity from intermediate.int_usage__kept_events order by all"
    )
