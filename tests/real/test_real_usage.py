"""Real usage comes to the totals that were computed elsewhere: tenant, month and meter."""

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.sample.real import run_real
from orchestration.sample.real_sets import REAL_SETS, SHARED_DATA

# By set: month and how the figures' names end, to the sum that its SOURCE.md states, to the cent.
STATED_TOTALS = {
    "servegen_llm_clients": {
        ("2025-01", "USD"): Decimal("399803.45"),
        ("2025-02", "USD"): Decimal("257608.64"),
    },
    "azure_functions_2019_500": {
        ("2019-07", "execution time USD"): Decimal("3.47"),
        ("2019-07", "executions USD"): Decimal("0.61"),
    },
    "llm_requests_azure2023_mooncake": {
        ("2023-11", "USD"): Decimal("144.40"),
        ("2024-06", "USD"): Decimal("403.21"),
    },
}


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize("set_name", REAL_SETS)
def test_rated_real_usage_equals_the_expected_totals(set_name: str, tmp_path: Path) -> None:
    if not (SHARED_DATA / set_name).is_dir():
        pytest.skip(f"{SHARED_DATA / set_name} is not on this machine")
    comparison = run_real(set_name, tmp_path)
    assert () == comparison.differences
    for (month, ending), stated in STATED_TOTALS[set_name].items():
        amounts = [
            total.actual
            for total in comparison.totals
            if total.month == month and total.figure.endswith(ending)
        ]
        assert stated == sum(amounts, Decimal(0)).quantize(Decimal("0.01"))
