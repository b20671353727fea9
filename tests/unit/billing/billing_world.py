"""A small company with candidates in its warehouse, for tests of freezing and signing.

Belongs here: its data directory and the verbs freeze and sign. Does not belong here: rows
(billing_rows.py); any expectation.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from billing_reference_rows import AUTHORS, reference_rows
from billing_rows import (
    ALL_HELD,
    NOW,
    PERIOD,
    QUIET_DATE,
    VERSION,
    Line,
    conservation_table,
    decision_tables,
    document_row,
    exceptions_table,
    expiring_table,
    line_row,
    rated_row,
    source_days_table,
)
from sqlalchemy.engine import Engine
from total_rows import control_totals_table

from orchestration.billing.freeze import Revision, freeze
from orchestration.billing.register import Register
from orchestration.billing.revisions import CANDIDATE_DOCUMENT_SCHEMA, LINE_SCHEMA
from orchestration.billing.sign_off import Signer, SignOff, sign_off
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import ingestion_batches, raw_parts
from orchestration.price_book.policy import SignOffPolicy
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.settings import Settings

OLIVIA = Signer(name="olivia@example.com", source="verified", run_id="run-1")
SELF_DECLARED = Signer(name="olivia@example.com", source="self_declared", run_id="run-1")

POLICY_FILE = """
sign_off:
  approvers:
    - {name: olivia@example.com, legal_entities: all, up_to_amount: unlimited}
"""


def policy(**changes: Any) -> SignOffPolicy:
    plain: dict[str, Any] = {
        "approvers": [
            {
                "name": "olivia@example.com",
                "legal_entities": "all",
                "up_to_amount": {"USD": "10000", "EUR": "10000", "JPY": "1000000"},
            },
            {
                "name": "henrik@example.com",
                "legal_entities": ["de"],
                "up_to_amount": "unlimited",
            },
            {"name": "ana@example.com", "legal_entities": "all", "up_to_amount": "unlimited"},
        ],
        "four_eyes": True,
        "accepts_self_declared": True,
        "acknowledgements": {"unexplained_correction": False},  # no causes are told here
    }
    return SignOffPolicy.model_validate(plain | changes)


@dataclass
class BillingWorld:
    """One data directory with a warehouse, a reference version and an operations database."""

    data_dir: Path
    settings: Settings = field(init=False)
    engine: Engine = field(init=False)
    policy: SignOffPolicy = field(default_factory=policy)
    _opened: duckdb.DuckDBPyConnection | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.settings = Settings(data_dir=self.data_dir, may_sign_self_declared=True)
        self.engine = open_operations(self.settings)

    @property
    def register(self) -> Register:
        return Register(self.settings.register)

    def build(self, *lines: Line) -> "BillingWorld":
        """Everything that freeze reads, with these candidates and every invariant held."""
        self.put_reference()
        with self.warehouse():
            self.put_batches(1, 2)
            self.put_candidates(*lines)
            self.put_expiring()
            self.put_conservation()
            self.put_source_days((QUIET_DATE, PERIOD, NOW, "quiet"))
            self.put_control_totals()
            self.put_exceptions()
            self.put_decisions()
        return self

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse; whatever is put inside goes through the same connection."""
        if self._opened is not None:
            yield self._opened
            return
        self.settings.warehouse.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(self.settings.warehouse_file) as connection:
            self._opened = connection
            try:
                yield connection
            finally:
                self._opened = None

    def put_batches(self, *batch_ids: int) -> None:
        batches = [
            {
                "ingestion_batch_id": batch_id,
                "started_at": NOW,
                "committed_at": NOW,
                "file_count": 1,
                "lines_read": 3,
                "lines_accepted": 3,
                "lines_rejected": 0,
            }
            for batch_id in batch_ids
        ]
        parts = [
            {
                "path": f"raw/events/ingestion_batch_id={batch_id}/part-0.parquet",
                "ingestion_batch_id": batch_id,
                "part_kind": "events",
                "content_sha256": f"{batch_id:064d}",
                "row_count": 3,
                "byte_size": 10,
            }
            for batch_id in batch_ids
        ]
        with self.engine.begin() as connection:
            for table in (raw_parts, ingestion_batches):
                connection.execute(sa.delete(table))
            connection.execute(sa.insert(ingestion_batches), batches)
            connection.execute(sa.insert(raw_parts), parts)
        self.put_warehouse_table(
            "staging.stg_ingestion__batches",
            pa.table({"ingestion_batch_id": pa.array(batch_ids, pa.int32())}),
        )
        self.put_warehouse_table(
            "intermediate.model_progress",
            pa.table(
                {
                    "model_name": ["int_usage__metered"],
                    "last_batch_id": pa.array([max(batch_ids)], pa.int32()),
                }
            ),
        )

    def put_candidates(self, *lines: Line, version: str = VERSION) -> None:
        """Replace candidates and rated lines."""
        by_document: dict[str, list[Line]] = {}
        for line in lines:
            by_document.setdefault(line.document, []).append(line)
        documents = [document_row(name, group) for name, group in by_document.items()]
        rows = [
            line_row(line, number)
            for group in by_document.values()
            for number, line in enumerate(group, 1)
        ]
        self.put_warehouse_table(
            "billing.fct_invoice_candidates",
            pa.Table.from_pylist(documents, schema=CANDIDATE_DOCUMENT_SCHEMA),
        )
        self.put_warehouse_table(
            "billing.fct_invoice_candidate_lines", pa.Table.from_pylist(rows, schema=LINE_SCHEMA)
        )
        self.put_warehouse_table(
            "rating.fct_rated_lines",
            pa.Table.from_pylist([rated_row(line, version) for line in (lines or [Line()])]),
        )

    def put_expiring(self, *rows: Mapping[str, Any]) -> None:
        """Replace int_credits__expiring by rows with the given columns."""
        self.put_warehouse_table("billing.int_credits__expiring", expiring_table(*rows))

    def put_conservation(
        self,
        held: Sequence[tuple[int, str]] = ALL_HELD,
        *,
        broken: Sequence[tuple[int, str, str, str]] = (),
        bears_on_from: str | None = None,
    ) -> None:
        """Replace fct_conservation; broken rows are (invariant, name, scope kind, scope id).

        bears_on_from is the first billing period of every broken row whose scope is not all.
        """
        self.put_warehouse_table(
            "reconciliation.fct_conservation", conservation_table(held, broken, bears_on_from)
        )

    def put_source_days(self, *days: tuple[date, str, datetime, str]) -> None:
        """Replace fct_source_days; days are (day, first period, end of its grace, arrival)."""
        self.put_warehouse_table("reconciliation.fct_source_days", source_days_table(days))

    def put_control_totals(self, *totals: tuple[date, str, datetime, int | None, int, str]) -> None:
        """Replace fct_control_totals by rows as total_rows.py takes them."""
        self.put_warehouse_table("reconciliation.fct_control_totals", control_totals_table(*totals))

    def put_exceptions(self, *rows: Mapping[str, Any]) -> None:
        """Replace fct_exceptions by rows with the given columns."""
        self.put_warehouse_table("billing.fct_exceptions", exceptions_table(*rows))

    def put_decisions(self, *rows: Mapping[str, Any]) -> None:
        """Replace decisions on events, their contents and whose they are; see decision_tables."""
        for name, table in decision_tables(*rows).items():
            self.put_warehouse_table(name, table)

    def put_warehouse_table(self, name: str, table: pa.Table) -> None:
        with self.warehouse() as connection:
            connection.execute(f"create schema if not exists {name.split('.', maxsplit=1)[0]}")
            connection.register("given", table)
            connection.execute(f"create or replace table {name} as select * from given")
            connection.unregister("given")

    def put_reference(
        self,
        *,
        version: str = VERSION,
        authors: Mapping[str, str | None] | None = None,
        unit_price: str = "2.50",
        quiet_date: date = QUIET_DATE,
    ) -> None:
        """Store a compiled reference version; authors by the kind of what they wrote."""
        folder = self.settings.reference_versions / version
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        (folder / "source").mkdir(parents=True, exist_ok=True)
        (folder / "source" / "policy.yml").write_text(POLICY_FILE)
        who = {**AUTHORS, **(authors or {})}
        for name, rows in reference_rows(who, unit_price, quiet_date).items():
            stored = [row | {"reference_version": version} for row in rows]
            pq.write_table(
                pa.Table.from_pylist(stored, schema=TABLE_SCHEMAS[name]),
                folder / "tables" / f"{name}.parquet",
            )

    def freeze(self, **options: Any) -> list[Revision]:
        options = {"billing_period": PERIOD, "now": NOW} | options
        return freeze(self.settings, self.engine, **options)

    def sign(self, revision_id: str, **options: Any) -> SignOff:
        given: dict[str, Any] = {
            "decision": "sign",
            "signer": OLIVIA,
            "note": "looked at",
            "now": NOW + timedelta(hours=1),
            "policy_source": lambda _settings, _version: self.policy,
        }
        return sign_off(self.settings, self.engine, revision_id=revision_id, **(given | options))
