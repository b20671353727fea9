"""The steps of the main job in plain Python, in their order: what Dagster, CLI and benchmarks run.

Belongs here: each step as one call, with what it needs from the installation. Does not belong here:
what a step does, which is its room's; assets, runs and retries, which are orchestration/defs'.

    load_reference_data → load_usage_files → write_inputs → build_models(RATING)
    → freeze_period → decide (period_close.py)
    → post_documents → read_statuses → write_inputs → build_models → publish_marts → push_signals
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
from sqlalchemy.engine import Engine

from adapters.protocols import CrmAdapter, ErpAdapter
from adapters.registry import crm_adapter, erp_adapter
from orchestration.actors import TALLYHOUSE, Actor
from orchestration.audit import catch_up, write_audit_inputs
from orchestration.audit.runs import RunRecord
from orchestration.billing.checks import CheckFigure
from orchestration.billing.control_totals import OverdueTotal, overdue_totals, waived_totals
from orchestration.billing.policy_inputs import stated_policy, write_policy_inputs
from orchestration.billing.posting import PostingSummary, plan_postings, post_pending, read_back
from orchestration.billing.posting_masters import load_masters
from orchestration.billing.register import write_register_inputs
from orchestration.billing.rerating_inputs import rerating_target, write_rerating_inputs
from orchestration.billing.source_days import OverdueDay, overdue_days
from orchestration.control_totals import ControlTotalsLoaded, load_control_totals
from orchestration.dbt import BUILD_ARGUMENTS, DbtOutcome, run_dbt
from orchestration.exceptions import keep_exceptions
from orchestration.exceptions.found import exception_policy
from orchestration.exceptions.inputs import write_age_limits
from orchestration.ingest import IngestionResult, load_usage, replay_rejects
from orchestration.operations_db import sweep_unfinished, write_operations_inputs
from orchestration.price_book import (
    ReferenceVersion,
    current_reference,
    event_contracts_of,
    load_reference,
    write_reference_inputs,
)
from orchestration.quality.candidates import check_candidates
from orchestration.quality.conservation import conservation_figures
from orchestration.quality.raw_events import check_raw_events
from orchestration.quality.reports import ExpectationReport
from orchestration.recovery import refuse_unbuilt, whole_operations
from orchestration.reports.publication import publish
from orchestration.restating import refuse_unstated
from orchestration.settings import Settings
from orchestration.shadow.inputs import keep_shadow_inputs
from orchestration.signals.pushing import PushSummary
from orchestration.signals.pushing import push_signals as push_period
from orchestration.stewardship import deliver_event_decisions
from orchestration.warehouse import open_warehouse, writer_lock

WRITER_WAIT_SECONDS: Final = 600.0

RATING: Final = ("--exclude", "fqn:signals.*", "fqn:shadow.*")
"""What a billing period needs: every model from raw events to candidates and conservation."""

MONTHS_OF_SIGNALS: Final = 13
"""The CRM is told about this many billing periods, the latest ones: a year and its month before."""


def utc_now() -> datetime:
    """Return this instant, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """One data directory with the systems that it talks to.

    Attributes:
        settings: where everything lies.
        clock: gives the instant that a step records.
        erp: an adapter to use instead of the one that the settings name.
        crm: likewise.
        on_progress: called with step, done and total while a long step runs.
        run: whose run it is taken by; None outside of one.
    """

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    erp: ErpAdapter | None = None
    crm: CrmAdapter | None = None
    on_progress: Callable[[str, int, int], None] | None = None
    run: RunRecord | None = None

    @property
    def actor(self) -> Actor:
        """Who acts: whoever launched the run, else the program itself."""
        return TALLYHOUSE if self.run is None else self.run.actor

    def open_erp(self) -> ErpAdapter:
        """Return the ERP adapter of this installation."""
        return self.erp or erp_adapter(
            self.settings.erp, sandbox_folder=self.settings.sandbox, now_fn=self.clock
        )

    def open_crm(self) -> CrmAdapter:
        """Return the CRM adapter of this installation."""
        return self.crm or crm_adapter(
            self.settings.crm, sandbox_folder=self.settings.sandbox, now_fn=self.clock
        )

    def report(self, step: str, done: int, total: int) -> None:
        """Tell how far a long step is, where somebody listens."""
        if self.on_progress is not None:
            self.on_progress(step, done, total)

    @contextmanager
    def operations(self) -> Iterator[Engine]:
        """Open the operations database, and let go of it afterwards.

        Before, it is brought to what the register and the audit log say, and the log is caught up,
        which heals what a crash left, or the loss of the database; the log once more afterwards.

        Raises:
            JournalDamagedError, RegisterDamagedError: what it lost cannot be made again.
            AuditLogDamagedError: the audit log is not what it was; nothing is done then.
        """
        with whole_operations(self.settings, now=self.clock()) as engine:
            self._catch_up(engine)
            yield engine
            self._catch_up(engine)

    def _catch_up(self, engine: Engine) -> None:
        deeds = [] if self.run is None else self.run.start(self.clock)
        catch_up(self.settings, engine, clock=self.clock, deeds=deeds)
        if self.run is not None:
            self.run.is_started = True


def load_reference_data(
    installation: Installation, *, author: str | None = None
) -> ReferenceVersion:
    """Store the reference folder as a version by its digest; the same content twice is one version.

    Raises:
        ReferenceInvalidError: names every problem with file and line, and every edit that reaches
            into signed cells without saying so in restates.yml.
    """
    with installation.operations() as engine:
        refuse_unstated(installation.settings, engine)
        return load_reference(
            installation.settings,
            engine,
            now=installation.clock(),
            author=author,
            actor=installation.actor,
        )


def load_usage_files(
    installation: Installation,
    *,
    paths: Sequence[Path] | None = None,
) -> IngestionResult:
    """Load usage files as one ingestion batch, read by the contracts of the current reference.

    Decisions on events that no batch holds yet come first, as batches of their own; control totals
    that lie where sources.yml says come last, as one.

    Args:
        installation: where to load.
        paths: which files; None means every file under landing/usage.
    """
    with installation.operations() as engine:
        reference = current_reference(installation.settings, engine)
        deliver_event_decisions(installation.settings, engine, now=installation.clock())
        loaded = load_usage(
            installation.settings,
            engine,
            contracts=event_contracts_of(reference),
            now=installation.clock(),
            paths=paths,
            on_progress=installation.on_progress,
        )
        totals = load_control_totals(
            installation.settings,
            engine,
            reference=reference,
            now=installation.clock(),
            actor=installation.actor,
        )
        return replace(loaded, control_total_count=totals.total_count)


def load_totals(
    installation: Installation, *, paths: Sequence[Path] | None = None
) -> ControlTotalsLoaded:
    """Load files of control totals as one ingestion batch, by the sources of the current reference.

    Args:
        installation: where to load.
        paths: which files; None means every new one where sources.yml says.
    """
    with installation.operations() as engine:
        return load_control_totals(
            installation.settings,
            engine,
            reference=current_reference(installation.settings, engine),
            now=installation.clock(),
            actor=installation.actor,
            paths=paths,
        )


def replay_rejected_lines(installation: Installation) -> IngestionResult:
    """Judge every rejected line again by the contracts of the current reference.

    Decisions on events that no batch holds yet come first, as batches of their own.
    """
    with installation.operations() as engine:
        reference = current_reference(installation.settings, engine)
        deliver_event_decisions(installation.settings, engine, now=installation.clock())
        return replay_rejects(
            installation.settings,
            engine,
            contracts=event_contracts_of(reference),
            now=installation.clock(),
        )


def judge_raw_events(installation: Installation, *, ingestion_batch_id: int) -> ExpectationReport:
    """Hold the expectations on raw events against one committed batch."""
    with installation.operations() as engine:
        return check_raw_events(
            installation.settings,
            engine,
            ingestion_batch_id=ingestion_batch_id,
            now=installation.clock(),
        )


def write_inputs(installation: Installation) -> ReferenceVersion:
    """Write every Parquet file that dbt reads as a source; returns the reference version in it."""
    settings = installation.settings
    with (
        writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS),
        installation.operations() as engine,
    ):
        sweep_unfinished(settings)
        reference = current_reference(settings, engine)
        write_reference_inputs(settings, reference)
        write_operations_inputs(settings, engine)
        write_register_inputs(settings)
        write_policy_inputs(settings, stated_policy(reference))
        write_audit_inputs(settings)
        write_age_limits(settings, exception_policy(settings, engine))
        target = rerating_target(settings, reference.reference_version)
        write_rerating_inputs(settings, target)
        keep_shadow_inputs(settings)
    return reference


def build_models(installation: Installation, selection: Sequence[str]) -> DbtOutcome:
    """Build and test models with dbt in this process.

    Raises:
        DbtFailedError: a model or a data test failed.
        WarehouseBusyError: another process held the warehouse for ten minutes.
    """
    settings = installation.settings
    with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
        outcome = run_dbt(
            settings, [*BUILD_ARGUMENTS, *selection], on_node=installation.on_progress
        )
        keep_found_exceptions(installation)
    return outcome


def keep_found_exceptions(installation: Installation) -> int:
    """Take the history of exceptions over from the models just built; returns how many changed."""
    with (
        open_warehouse(installation.settings, wait_seconds=WRITER_WAIT_SECONDS) as connection,
        installation.operations() as engine,
    ):
        return keep_exceptions(installation.settings, connection, engine)


def read_conservation(installation: Installation) -> list[CheckFigure]:
    """Return the figures of invariants 1 to 7 as the last build computed them."""
    return conservation_figures(installation.settings)


def read_overdue_days(installation: Installation) -> list[OverdueDay] | None:
    """Return the announced source-days whose grace is over by now; None before the first build.

    The figures of the last build are as old as the last ingestion batch. This tells by the clock.
    """
    with open_warehouse(installation.settings, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        is_built = _is_built(connection, "fct_source_days")
        return overdue_days(connection, now=installation.clock()) if is_built else None


def read_overdue_totals(installation: Installation) -> list[OverdueTotal] | None:
    """Return the control totals that are overdue by now and not waived; None before a build."""
    with open_warehouse(installation.settings, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        if not _is_built(connection, "fct_control_totals"):
            return None
        waived = waived_totals(connection)
        overdue = overdue_totals(connection, now=installation.clock())
        return [each for each in overdue if each.name() not in waived]


def _is_built(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'reconciliation' and table_name = ?",
        [mart],
    ).fetchall()
    return bool(found)


def judge_candidates(
    installation: Installation, *, billing_period: str, rated_in: Settings | None = None
) -> ExpectationReport:
    """Hold the expectations on candidates against one billing period.

    Args:
        installation: whose candidates.
        billing_period: YYYY-MM.
        rated_in: the data directory in whose warehouse they are; None means its own.
    """
    return check_candidates(rated_in or installation.settings, billing_period=billing_period)


def post_documents(installation: Installation) -> PostingSummary:
    """Plan a posting for every signed document and send what is not in the ERP yet.

    A run that reached the ERP for nothing (it is down, or asks for a pause) ends as delayed, and a
    later run goes on from there.
    """
    erp = installation.open_erp()
    with installation.operations() as engine:
        load_masters(installation.settings, engine, erp=erp)
        plan_postings(installation.settings, engine, now=installation.clock())
        return post_pending(
            installation.settings,
            engine,
            erp=erp,
            now_fn=installation.clock,
            actor=installation.actor,
        )


def read_statuses(installation: Installation) -> int:
    """Read the posted documents back from the ERP; returns how many were read."""
    with installation.operations() as engine:
        return read_back(
            installation.settings,
            engine,
            erp=installation.open_erp(),
            now=installation.clock(),
        )


def publish_marts(installation: Installation) -> Path:
    """Put a fresh read-only copy of the marts in place for analysts; returns its folder."""
    return publish(installation.settings, now=installation.clock())


def push_signals(installation: Installation) -> Mapping[str, PushSummary]:
    """Tell the CRM what changed in the signals of the last billing periods.

    Returns:
        What was done, by billing period from the earliest on.

    Raises:
        WarehouseBusyError: another process writes the warehouse.
        WarehouseNotBuiltError: it holds no models.
    """
    settings = installation.settings
    refuse_unbuilt(settings, tried="Told the CRM", wait_seconds=WRITER_WAIT_SECONDS)
    with open_warehouse(settings, wait_seconds=WRITER_WAIT_SECONDS) as warehouse:
        periods = warehouse.execute(
            "select distinct billing_period from signals.fct_customer_usage_signals "
            "order by billing_period desc limit ?",
            [MONTHS_OF_SIGNALS],
        ).fetchall()
    crm = installation.open_crm()
    with installation.operations() as engine:
        return {
            billing_period: push_period(
                settings,
                engine,
                crm=crm,
                billing_period=billing_period,
                now_fn=installation.clock,
            )
            for (billing_period,) in reversed(periods)
        }
