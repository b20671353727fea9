"""dbt's own tests of staging and intermediate models, on a warehouse that has seen a bit of all."""

from datetime import timedelta
from decimal import Decimal

from orchestration.dbt import run_dbt


def test_every_unit_test_and_data_test_passes(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens", dimensions=["model"])
    warehouse.add_meter("users", "unique_count", distinct_property="user")
    hourly = {"window_unit": "hour", "window_aggregation": "sum"}
    warehouse.add_meter("peaks", "max", value="tokens", **hourly)
    warehouse.add_meter("ranks", "percentile", value="tokens", percentile=Decimal(95), **hourly)
    warehouse.add_meter("level", "weighted_sum", value="tokens", carry_in="previous")
    warehouse.add_customer("acme", "acme", time_zone="Asia/Tokyo")
    called = event("a", noon, properties={"tokens": 1, "model": "large", "user": "ana"})
    warehouse.load(called, called, called.but(event_id="b", subject="nobody"))
    warehouse.count()
    warehouse.load(called.but(nanos=1), called.but(event_id="c", event_at=noon + timedelta(days=1)))
    warehouse.load(called.but(event_id="d", event_at=noon + timedelta(minutes=20)))
    warehouse.count(select=("tallyhouse.staging", "tallyhouse.intermediate"))
    run_dbt(
        warehouse.settings,
        ["test", "--select", "tallyhouse.staging", "tallyhouse.intermediate"],
    )
