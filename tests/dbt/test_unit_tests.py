"""dbt's own unit tests of rating and what follows, beside the relations that they imitate."""

import pytest
import yaml
from rating_warehouse import BILLING, RatingWarehouse

from orchestration.dbt import DBT_PROJECT_DIR, run_dbt

STAGES = ("rating", "billing", "reconciliation", "signals", "shadow")


@pytest.mark.slow
def test_every_unit_test_of_rating_and_what_follows_passes(tmp_path):
    declared = {
        each["name"]
        for stage in STAGES
        for path in (DBT_PROJECT_DIR / "models" / stage).rglob("*.yml")
        for each in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", ())
    }
    warehouse = RatingWarehouse(tmp_path)
    warehouse.build(*BILLING)

    outcome = run_dbt(
        warehouse.settings,
        ["test", "--select", *(f"tallyhouse.{stage},test_type:unit" for stage in STAGES)],
    )

    ran = [name for name in outcome.node_seconds if name.startswith("unit_test.")]
    assert declared == {name.rpartition(".")[2] for name in ran}
