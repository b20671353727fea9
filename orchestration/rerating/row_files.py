"""What a re-rating found, as a file that finance can open.

Belongs here: what names a settlement key in a row, writing rows as CSV. Does not belong here: which
rows (difference.py, rerate.py).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from orchestration.settings import Settings

KEY_COLUMNS: Final = (
    "billing_period",
    "legal_entity_id",
    "bill_to_customer_id",
    "customer_id",
    "contract_lineage_id",
    "charge_id",
    "line_kind",
    "cell_start_date",
    "cell_end_date",
    "currency_code",
    "settlement_key",
)
"""A key with what finance knows it by."""


def write_rows(
    settings: Settings, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Path:
    """Write rows to a file in reports/rerating; return its path, relative to the data directory."""
    path = settings.reports / "rerating" / name
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), "utf-8")
    return path.relative_to(settings.data_dir)
