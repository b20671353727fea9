"""Sources as the tables that dbt reads: prefixes, quiet days, measures of control totals.

Belongs here: their rows, and the columns of control_total_measures. Does not belong here: judging
sources.yml (source_checks.py); the columns of the others (table_schemas.py).
"""

from typing import Any, Final

import pyarrow as pa

from orchestration.price_book.reference_data import ReferenceData

Record = dict[str, Any]

_MEASURE_FIELDS: Final[list["pa.Field[Any]"]] = [
    pa.field("source_prefix", pa.string(), nullable=False),
    pa.field("system_id", pa.string(), nullable=False),
    pa.field("measure", pa.string(), nullable=False),
    pa.field("grace_hours", pa.int32(), nullable=False),
    pa.field("is_expected_daily", pa.bool_(), nullable=False),
    pa.field("expected_from_date", pa.date32()),
    pa.field("expected_to_date", pa.date32()),
    pa.field("landing_folder", pa.string()),
    pa.field("reference_version", pa.string(), nullable=False),
]
CONTROL_TOTAL_MEASURES: Final = pa.schema(_MEASURE_FIELDS)
"""One row per source that delivers control totals and measure: `events` or a meter's id."""
LATER_TABLES: Final = frozenset(("control_total_measures",))
"""Tables that versions from before do not have: none of their files could say what is in them."""


def source_rows(data: ReferenceData) -> dict[str, list[Record]]:
    """Rows of sources, quiet_days and control_total_measures by table, of data without errors."""
    sources = data.sources.item.sources if data.sources else ()
    return {
        "sources": [
            {
                "source_prefix": source.prefix,
                "system_id": source.system,
                "grace_hours": source.grace_hours,
                "is_expected_daily": source.is_announced,
                "expected_from_date": source.expected_from,
                "expected_to_date": source.expected_to,
            }
            for source in sources
        ],
        "quiet_days": [
            {
                "source_prefix": source.prefix,
                "quiet_date": quiet.day,
                "reason": quiet.reason,
                "author": quiet.author,
            }
            for source in sources
            for quiet in source.quiet_days
        ],
        "control_total_measures": [
            {
                "source_prefix": source.prefix,
                "system_id": source.system,
                "measure": measure,
                "grace_hours": totals.grace_hours,
                "is_expected_daily": totals.expected == "daily",
                "expected_from_date": totals.expected_from,
                "expected_to_date": totals.expected_to,
                "landing_folder": totals.folder,
            }
            for source in sources
            if (totals := source.control_totals) is not None
            for measure in totals.measures
        ],
    }
