"""Where a data directory keeps what, and the few switches of an installation.

Belongs here: paths and switches, read once from the environment (TALLYHOUSE_*).
Does not belong here: prices, policies and mappings, which are reference data; secrets of vendors.
"""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.failures import InputError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_PREFIX = "TALLYHOUSE_"


class SettingsError(InputError):
    """A TALLYHOUSE_ environment variable has a value that cannot be used."""

    code = "settings_invalid"


class Settings(BaseModel):
    """One installation: its data directory and its switches.

    Attributes:
        data_dir: the one folder that holds all state; two of them never meet.
        reference_directory: the company's reference folder; None means landing/reference.
        operations_database_url: SQLAlchemy URL; None means SQLite in the data directory.
        tenant_id: part of every document key, so that two companies never share one.
        duckdb_memory_limit: DuckDB's memory_limit, for example "4GB".
        duckdb_threads: DuckDB's worker threads.
        max_line_bytes: a longer line is rejected.
        settle_seconds: a file modified less long ago is still being written.
        future_tolerance_hours: an event further in the future is rejected.
        earliest_event_year: an event before that year is rejected.
        may_sign_self_declared: whether a signer's own word is enough, as in the local demo.
        self_declared_signer: the signer's name where that is allowed.
        erp: name of the ERP adapter. crm: name of the CRM adapter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    reference_directory: Path | None = None
    operations_database_url: str | None = None
    tenant_id: str = "default"
    duckdb_memory_limit: str = "4GB"
    duckdb_threads: int = Field(default=2, ge=1)
    max_line_bytes: int = Field(default=1 << 20, ge=1024)
    settle_seconds: float = Field(default=2.0, ge=0)
    future_tolerance_hours: int = Field(default=24, ge=0)
    earliest_event_year: int = Field(default=2000, ge=1971)
    may_sign_self_declared: bool = False
    self_declared_signer: str | None = None
    erp: str = "sandbox"
    crm: str = "sandbox"

    @classmethod
    def load(cls, data_dir: Path | str | None = None) -> Self:
        """Read the environment; an explicit data_dir wins over TALLYHOUSE_DATA_DIR.

        Raises:
            SettingsError: a variable is unknown or its value cannot be used.
        """
        given = {
            name.removeprefix(ENVIRONMENT_PREFIX).lower(): text
            for name, text in os.environ.items()
            if name.startswith(ENVIRONMENT_PREFIX) and text
        }
        if data_dir is not None:
            given["data_dir"] = str(data_dir)
        given.setdefault("data_dir", str(PROJECT_ROOT / "data" / "local"))
        given["data_dir"] = str(Path(given["data_dir"]).expanduser().resolve())
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(
                f"{ENVIRONMENT_PREFIX}{'.'.join(map(str, p['loc'])).upper()}: {p['msg']}"
                for p in error.errors()
            )
            raise SettingsError(
                f"Read the settings from the environment: {problems}. "
                "Correct or unset these variables and start again."
            ) from error

    def in_scratch(self, folder: Path) -> Self:
        """Return the same settings for a data directory in which this one's data is rated apart."""
        return self.model_copy(
            update={
                "data_dir": folder,
                "operations_database_url": None,
                "reference_directory": None,
            }
        )

    @property
    def reference_dir(self) -> Path:
        """The company's reference folder: price book, event contracts, tables, policy."""
        return self.reference_directory or self.data_dir / "landing" / "reference"

    @property
    def landing_usage(self) -> Path:
        """Where product systems put their usage files."""
        return self.data_dir / "landing" / "usage"

    @property
    def raw(self) -> Path:
        """Append-only Parquet of everything that was loaded."""
        return self.data_dir / "raw"

    @property
    def reference_versions(self) -> Path:
        """Every version of the reference data that was ever loaded, by digest."""
        return self.data_dir / "reference" / "versions"

    @property
    def register(self) -> Path:
        """Write-once ledger of everything that was signed."""
        return self.data_dir / "register"

    @property
    def audit(self) -> Path:
        """Append-only log of who did what."""
        return self.data_dir / "audit"

    @property
    def shadow(self) -> Path:
        """Invoice files of the system in use, as they were loaded; append-only."""
        return self.data_dir / "shadow"

    @property
    def warehouse(self) -> Path:
        """Folder of the DuckDB file and of what dbt reads; can be deleted and rebuilt."""
        return self.data_dir / "warehouse"

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file; nobody but the pipeline opens it."""
        return self.warehouse / "tallyhouse.duckdb"

    @property
    def warehouse_inputs(self) -> Path:
        """Parquet files that are dbt's sources, rewritten before each run."""
        return self.warehouse / "inputs"

    @property
    def published(self) -> Path:
        """Read-only copies for analysts."""
        return self.data_dir / "published"

    @property
    def reports(self) -> Path:
        """Files for people: tables, close packs."""
        return self.data_dir / "reports"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.data_dir / "dagster"

    @property
    def sandbox(self) -> Path:
        """The local ERP and CRM that the sandbox adapters keep."""
        return self.data_dir / "sandbox"

    @property
    def operations_url(self) -> str:
        """SQLAlchemy URL of the operations database."""
        return self.operations_database_url or f"sqlite:///{self.data_dir / 'operations.db'}"
