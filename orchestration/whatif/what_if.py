"""What scenarios would have made of past months: the order of the work, and the answer.

Belongs here: refusing before anything is rated, rating the base and then each scenario, what the
answer is called. Does not belong here: each of these steps; files and words of the answer
(orchestration/reports).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from orchestration.operations_db import tables, viewed_operations
from orchestration.pipeline import Installation
from orchestration.price_book import current_reference
from orchestration.reproduction.scratch import scratch_folder
from orchestration.whatif.comparison import Comparison, compare
from orchestration.whatif.question import WhatIfQuestion
from orchestration.whatif.rating import rate_base, rate_scenario
from orchestration.whatif.scenarios import read_scenarios

_DIGITS: Final = 16


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What scenarios would have made of past months.

    Attributes:
        periods: billing periods YYYY-MM, in order.
        reference_version: of what is rated now.
        last_ingestion_batch_id: the last batch of usage that is rated.
        not_due_line_counts: lines that are rated now and not due yet, by period that has some.
        comparisons: one for each scenario, in the order asked for.
        name: of the answer's folder: the one asked for, or a digest of all that made the answer.
    """

    periods: Sequence[str]
    reference_version: str
    last_ingestion_batch_id: int
    not_due_line_counts: Mapping[str, int]
    comparisons: Sequence[Comparison]
    name: str

    @property
    def folder(self) -> Path:
        """Where its files are, relative to the data directory."""
        return Path("reports", "what-if", self.name)


def compare_scenarios(installation: Installation, question: WhatIfQuestion) -> WhatIf:
    """Rate past months with the current reference and with each scenario beside it.

    Everything is rated in a data directory of its own, which is taken away in the end. Amounts are
    those of gross rating: credits, and what was billed, play no part.

    Raises:
        ReferenceMissingError: no reference was loaded yet.
        ScenarioInvalidError: a folder cannot be rated with; nothing was rated.
        PeriodNotRatedError: a period has no rated line.
        WarehouseBusyError: another process held the warehouse, or asks such a question, too long.
        DbtFailedError: a model could not be built.
    """
    settings = installation.settings
    with viewed_operations(installation.settings) as engine:
        current = current_reference(settings, engine)
        with engine.connect() as connection:
            last = connection.execute(
                sa.select(sa.func.max(tables.ingestion_batches.c.ingestion_batch_id))
            ).scalar()
    scenarios = read_scenarios(current, question.folders)
    with scratch_folder(settings, "what_if") as folder:
        base = rate_base(installation, current, question.periods, folder=folder)
        comparisons = []
        for number, scenario in enumerate(scenarios):
            installation.report("scenarios", number, len(scenarios))
            rated = rate_scenario(base, scenario.tables)
            comparisons.append(compare(scenario, base.rated, rated, current=base.tables))
    made_of = {
        "periods": list(question.periods),
        "reference_version": current.reference_version,
        "last_ingestion_batch_id": last or 0,
        "scenarios": [(each.name, each.content_sha256) for each in scenarios],
    }
    digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    return WhatIf(
        periods=question.periods,
        reference_version=current.reference_version,
        last_ingestion_batch_id=last or 0,
        not_due_line_counts=_not_due(base.rated.amounts),
        comparisons=comparisons,
        name=question.name or digest[:_DIGITS],
    )


def _not_due(amounts: pa.Table) -> dict[str, int]:
    sums = amounts.group_by("billing_period").aggregate([("not_due_line_count", "sum")])
    found = sums.sort_by("billing_period").to_pydict()
    counts = zip(found["billing_period"], found["not_due_line_count_sum"], strict=True)
    return {period: count for period, count in counts if count}
