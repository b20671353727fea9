"""Which sources deliver control totals, of which measures, and where their files lie.

Belongs here: asking a compiled reference version. Does not belong here: what sources.yml may say
(price_book); reading files (reading.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.price_book import ReferenceVersion
from orchestration.price_book.versions import read_compiled_table


@dataclass(frozen=True)
class DeclaredTotals:
    """What a reference version lets sources state.

    Attributes:
        measures: by prefix of a source, the measures that it states: `events` or ids of meters.
        folders: folders under landing/ in which files of totals are found, each once.
    """

    measures: Mapping[str, tuple[str, ...]]
    folders: tuple[str, ...]


def declared_totals(reference: ReferenceVersion) -> DeclaredTotals:
    """Return what a version declares; nothing where it is from before control totals."""
    table = read_compiled_table(reference.folder, "control_total_measures")
    rows: list[dict[str, Any]] = table.to_pylist()
    measures: dict[str, tuple[str, ...]] = {}
    for row in rows:
        prefix = row["source_prefix"]
        measures[prefix] = (*measures.get(prefix, ()), row["measure"])
    folders = {row["landing_folder"] for row in rows if row["landing_folder"] is not None}
    return DeclaredTotals(measures, tuple(sorted(folders)))
