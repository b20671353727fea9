"""An entry of a journal: the rows that one transaction left behind, and its bytes.

Belongs here: the form of an entry, and of each value in it. Does not belong here: files
(journals.py); which rows are kept, which is the rooms' that write them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self

import sqlalchemy as sa

from orchestration.operations_db.column_types import ExactDecimal, UtcInstant

FORMAT: Final = 1
GENESIS: Final = "0" * 64

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """One transaction of a journal.

    Attributes:
        journal: its name. sequence: 1, 2, 3 … without gaps.
        previous_entry_sha256: digest of the entry before; 64 zeros for the first.
        rows: whole rows as they were afterwards, by table; the first entry has all of them.
        sha256: digest of the entry's own bytes.
    """

    journal: str
    sequence: int
    previous_entry_sha256: str
    rows: Rows
    sha256: str = ""

    def content(self, tables: Sequence[sa.Table]) -> bytes:
        """The bytes of the entry's file."""
        columns = {table.name: list(table.columns.keys()) for table in tables}
        plain = {
            "format": FORMAT,
            "journal": self.journal,
            "sequence": self.sequence,
            "previous_entry_sha256": self.previous_entry_sha256,
            "tables": [
                {
                    "name": table.name,
                    "columns": columns[table.name],
                    "rows": [
                        [_plain(row[name]) for name in columns[table.name]]
                        for row in self.rows[table.name]
                    ],
                }
                for table in tables
                if self.rows.get(table.name)
            ],
        }
        digest = hashlib.sha256(_bytes(plain)).hexdigest()
        return _bytes({**plain, "content_sha256": digest}) + b"\n"

    @classmethod
    def parse(cls, content: bytes, tables: Sequence[sa.Table]) -> Self:
        """Read the bytes of an entry's file.

        Raises:
            ValueError: they are not what content() wrote, to the byte.
        """
        try:
            plain = json.loads(content)
            digest = plain.pop("content_sha256")
            if plain["format"] != FORMAT or hashlib.sha256(_bytes(plain)).hexdigest() != digest:
                raise ValueError("its content is not what was written")
            known = {table.name: table for table in tables}
            return cls(
                journal=plain["journal"],
                sequence=plain["sequence"],
                previous_entry_sha256=plain["previous_entry_sha256"],
                rows={
                    each["name"]: [
                        {
                            name: _value(known[each["name"]].c[name], value)
                            for name, value in zip(each["columns"], row, strict=True)
                        }
                        for row in each["rows"]
                    ]
                    for each in plain["tables"]
                },
                sha256=hashlib.sha256(content).hexdigest(),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an entry of a journal: {error!r}") from error


def _bytes(plain: Mapping[str, Any]) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _value(column: sa.Column[Any], plain: Any) -> Any:
    if plain is None:
        return None
    if isinstance(column.type, UtcInstant):
        return datetime.fromisoformat(plain)
    if isinstance(column.type, sa.Date):
        return date.fromisoformat(plain)
    return Decimal(plain) if isinstance(column.type, ExactDecimal) else plain
