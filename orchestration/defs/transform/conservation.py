"""Invariants 1 to 7 as blocking checks, with both of their sides and the difference.

Belongs here: one check per invariant, and what stands after it when it is broken: nothing. Does
not belong here: the figures, which dbt computes in SQL on every build.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import conservation_result
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation

CHECK_OF_INVARIANT: Final[Mapping[int, str]] = {
    1: "lines_are_accounted_for_and_announced_days_have_arrived",
    2: "accepted_events_are_unique_repeated_or_conflicting",
    3: "unique_events_are_resolved_or_excepted",
    4: "resolved_quantity_equals_rated_quantity",
    5: "documents_equal_their_lines_and_lines_their_tiers",
    6: "every_expected_charge_has_exactly_one_outcome",
    7: "erp_documents_equal_the_register",
}


@dg.multi_asset_check(
    name="conservation",
    specs=[
        dg.AssetCheckSpec(
            name,
            asset=asset_keys.CONSERVATION,
            blocking=True,
            description=f"Invariant {number} of docs/invariants.md: {name.replace('_', ' ')}.",
        )
        for number, name in CHECK_OF_INVARIANT.items()
    ],
    pool=WAREHOUSE_WRITER,
)
def conservation(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> Iterator[dg.AssetCheckResult]:
    """Judge the figures that the build of this very run wrote into fct_conservation."""
    with failures_sorted(retry_number=context.retry_number):
        figures = pipeline.read_conservation(installation)
    for number, name in CHECK_OF_INVARIANT.items():
        yield conservation_result(
            [figure for figure in figures if figure.invariant_number == number],
            check_name=name,
            asset_key=asset_keys.CONSERVATION,
        )
