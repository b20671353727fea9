"""What a change of contracts, identities, meters, sources or events counts again, and what not."""

from datetime import date, timedelta

AFFECTED = """
    select ingestion_batch_id, event_date, subject, cause
    from intermediate.int_partitions__affected
    where cause <> 'new_events'
    order by all
"""


def test_a_new_contract_version_recounts_only_the_days_that_it_cuts(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme", time_zone="America/New_York")
    warehouse.add_customer("other", "other")
    warehouse.load(
        *(
            event(f"{subject}-{day}-{hour}", noon.replace(day=day, hour=hour), subject=subject)
            for subject in ("acme", "other")
            for day in (14, 15, 16)
            for hour in (1, 12)
        )
    )
    warehouse.count()
    warehouse.reference["contract_versions"][0]["effective_to_date"] = date(2026, 10, 15)
    warehouse.add(
        "contract_versions",
        contract_id="acme-contract",
        contract_version=2,
        effective_from_date=date(2026, 10, 15),
        plan_id="plan",
    )
    warehouse.count()
    # The cut lies on a local midnight, where the day was cut before: nothing is read again.
    assert [] == warehouse.rows(AFFECTED)
    versions = (
        "select contract_version, sum(event_count) from intermediate.int_usage__metered "
        "where subject = 'acme' group by all order by all"
    )
    assert [(1, 3), (2, 3)] == warehouse.rows(versions)

    warehouse.reference["contracts"][0]["time_zone"] = "Asia/Kolkata"
    warehouse.count()
    assert [(1, date(2026, 10, day), "acme", "cut") for day in (14, 15, 16)] == warehouse.rows(
        AFFECTED
    )
    assert [(1, 2), (2, 4)] == warehouse.rows(versions)
    assert {date(2026, 10, day): 2 for day in (14, 15, 16)} == dict(
        warehouse.rows(
            "select local_date, sum(event_count) from intermediate.int_usage__metered "
            "where subject = 'acme' group by all"
        )
    )


def test_an_identity_that_moves_within_a_day_recounts_that_day_over_all_batches(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.add_customer("old", "acme")
    warehouse.load(event("a", noon), event("b", noon + timedelta(days=1)))
    warehouse.load(event("c", noon + timedelta(hours=1)))
    warehouse.count()
    warehouse.reference["identities"][0]["valid_to_at"] = noon + timedelta(minutes=1)
    warehouse.add(
        "identities",
        system_id="product",
        external_id="acme",
        customer_id="new",
        valid_from_at=noon + timedelta(minutes=1),
    )
    warehouse.load(event("d", noon))
    warehouse.count()
    assert [(1, noon.date(), "acme", "cut"), (2, noon.date(), "acme", "cut")] == warehouse.rows(
        AFFECTED
    )
    assert {"old": 2, "new": 2} == warehouse.usage(of="customer_id")


def test_a_subject_that_becomes_known_is_resolved_backwards(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon.replace(hour=3)))
    warehouse.count()
    assert {"unmapped_subject": 1} == warehouse.usage(of="resolution_code")
    warehouse.add_customer("acme", "acme", time_zone="America/New_York")
    warehouse.count()
    assert [("acme", "acme-contract", None, date(2026, 10, 14))] == warehouse.rows(
        "select customer_id, contract_id, resolution_code, local_date "
        "from intermediate.int_usage__metered"
    )


def test_a_changed_meter_counts_the_whole_history_again(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon, properties={"tokens": 3, "bytes": 8}))
    warehouse.count()
    warehouse.load(event("b", noon, properties={"tokens": 4}))
    warehouse.reference["meters"].clear()
    warehouse.add_meter("tokens", "sum", value="bytes", version=2)
    warehouse.add_meter("traffic", "sum", value="bytes")
    warehouse.count()
    assert {"tokens": 8, "traffic": 8} == warehouse.usage("quantity_sum")
    assert {"tokens": 1, "traffic": 1} == warehouse.usage("unvalued_event_count")


def test_a_source_that_changes_its_system_is_counted_again_and_a_new_one_is_not(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us/1"))
    warehouse.count()
    warehouse.add_source("/batch/", "batch")
    warehouse.count()
    opened = "select after_batch_id from intermediate.model_progress where model_name like 'stg%'"
    assert [(1,)] == warehouse.rows(opened)
    warehouse.add_source("/gateway/us/", "american")
    warehouse.count()
    assert [(0,)] == warehouse.rows(opened)
    assert {"product": 1, "american": 1} == warehouse.usage(of="system_id")


def test_a_conflict_recounts_every_source_of_the_system_on_that_day(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us"))
    warehouse.count()
    warehouse.load(event("a", noon, nanos=7))
    warehouse.count()
    assert {"calls": 1} == warehouse.usage()


def test_a_series_that_only_recounting_finds_is_listed(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme")
    warehouse.load(event("a", noon, properties={"region": "eu"}))
    warehouse.count()
    assert not warehouse.unlisted_series()
    warehouse.reference["meters"][0] |= {"dimensions": ["region"], "definition_digest": "other"}
    warehouse.load(event("b", noon, properties={"region": "us"}))
    warehouse.count()
    assert not warehouse.unlisted_series()
    assert {'{"region":"eu"}': 1, '{"region":"us"}': 1} == warehouse.usage(of="dimension_key")


def test_what_is_recounted_leaves_no_deleted_rows_behind(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon), event("c", noon, subject="other"))
    warehouse.count()
    warehouse.load(event("a", noon, nanos=7))
    warehouse.count()
    size = "select estimated_size from duckdb_tables() where table_name = 'int_usage__counted'"
    assert warehouse.rows("select count(*) from intermediate.int_usage__counted") == (
        warehouse.rows(size)
    )


def test_a_property_that_later_files_have_is_missing_in_the_older_ones(warehouse, event, noon):
    warehouse.add_meter("calls", dimensions=["region"])
    warehouse.add_customer("acme", "acme")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.reference["contracts"][0]["time_zone"] = "Asia/Kolkata"
    warehouse.load(event("b", noon, properties={"region": "eu"}))
    warehouse.count()
    assert {'{"region":null}': 1, '{"region":"eu"}': 1} == warehouse.usage(of="dimension_key")
