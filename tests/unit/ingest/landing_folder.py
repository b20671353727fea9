"""A data directory with event contracts, and the few verbs by which usage gets into it.

Belongs here: what tests of several rooms do with landing files. Does not belong here: fixtures, any
expectation.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.ingest import IngestionResult, load_usage, replay_rejects
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import raw_parts
from orchestration.price_book.event_contracts import EventContracts
from orchestration.settings import Settings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

CALLS_CONTRACT = {
    "$id": "https://example.com/api.request/1",
    "type": "object",
    "properties": {
        "units": {"type": "number", "minimum": 0},
        "region": {"type": "string"},
    },
    "required": ["units"],
}


def event(**changes: Any) -> dict[str, Any]:
    """Return a good event of type api.request; a change to None leaves the attribute out."""
    whole = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/gateway/eu",
        "type": "api.request",
        "subject": "tenant-1",
        "time": "2026-10-31T23:59:59.123Z",
        "data": {"units": 2.5, "region": "eu"},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def line(**changes: Any) -> str:
    """Return a good event as compact JSON, with changes."""
    return json.dumps(event(**changes), separators=(",", ":"))


@dataclass
class Landing:
    """One data directory under test."""

    settings: Settings
    engine: Engine
    contracts: EventContracts

    @staticmethod
    def event(**changes: Any) -> dict[str, Any]:
        """Return a good event; a change to None leaves the attribute out."""
        return event(**changes)

    @staticmethod
    def line(**changes: Any) -> str:
        """Return a good event as compact JSON, with changes."""
        return line(**changes)

    @property
    def folder(self) -> Path:
        return self.settings.landing_usage

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file into the landing folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def contract(self, event_type: str, version: str, schema: dict[str, Any]) -> None:
        """Add an event contract."""
        path = self.settings.reference_dir / "event_contracts" / event_type / f"{version}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema))
        self.contracts = EventContracts.load(self.settings.reference_dir / "event_contracts")

    def set(self, **switches: Any) -> None:
        """Change a setting."""
        self.settings = self.settings.model_copy(update=switches)

    def load(self, *paths: Path, now: datetime = NOW, on_progress: Any = None) -> IngestionResult:
        """Load what is new, or just the given paths."""
        return load_usage(
            self.settings,
            self.engine,
            contracts=self.contracts,
            now=now,
            paths=paths or None,
            on_progress=on_progress,
        )

    def replay(self, *, now: datetime = NOW) -> IngestionResult:
        """Judge the standing rejects again."""
        return replay_rejects(self.settings, self.engine, contracts=self.contracts, now=now)

    def parts(self, part_kind: str) -> list[Path]:
        """Return the committed files of a kind."""
        query = sa.select(raw_parts.c.path).where(raw_parts.c.part_kind == part_kind)
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(raw_parts.c.path)).scalars().all()
        return [self.settings.data_dir / path for path in found]

    def rows(self, part_kind: str) -> list[dict[str, Any]]:
        """Return the rows of all committed files of a kind, by batch, file and line."""
        tables = [pq.ParquetFile(path).read() for path in self.parts(part_kind)]
        rows = pa.concat_tables(tables, promote_options="default").to_pylist() if tables else []
        order = ("ingestion_batch_id", "file_id", "line_number")
        return sorted(rows, key=lambda row: tuple(row.get(name) or 0 for name in order))

    def reject_codes(self) -> list[str]:
        """Return the codes of all rejected lines, in their order."""
        return [row["reject_code"] for row in self.rows("rejects")]

    def table(self, table: sa.Table) -> list[dict[str, Any]]:
        """Return the rows of an operations table."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            return [dict(row) for row in rows.mappings()]


def open_landing(data_dir: Path) -> Landing:
    """Make a data directory with the contract of api.request and an empty landing folder."""
    settings = Settings(data_dir=data_dir, settle_seconds=0, duckdb_memory_limit="512MB")
    settings.landing_usage.mkdir(parents=True)
    opened = Landing(settings, open_operations(settings), EventContracts(()))
    opened.contract("api.request", "1", CALLS_CONTRACT)
    return opened
