"""Where no contract differs, nothing is rated, and nothing is made for it."""

from pathlib import Path

import pyarrow as pa

from orchestration.pipeline import Installation
from orchestration.rerating.states import RatedNow, states_since
from orchestration.settings import Settings

NO_KEYS = pa.table(
    {
        name: pa.array([], pa.string())
        for name in (
            "billing_period",
            "legal_entity_id",
            "contract_lineage_id",
            "settlement_key",
        )
    }
)


def test_nothing_is_rated_where_no_contract_differs(tmp_path):
    nowhere = tmp_path / "scratch"
    now = RatedNow(batches=pa.table({}), raw_parts=pa.table({}), reference=Path("missing"))
    installation = Installation(Settings(data_dir=tmp_path / "data"))
    found = states_since(installation, [], NO_KEYS, now, folder=nowhere)
    assert (0, 0) == (found.steps.num_rows, found.amounts.num_rows)
    assert not nowhere.exists()
