"""The daily watch: by the clock, so that it tells also when no batch comes any more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.defs.ingestion.totals_watch import TOTALS_WATCH_CHECK
from orchestration.defs.ingestion.watch import WATCH_CHECK
from orchestration.pipeline import Installation
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

GRACE_ENDS_AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
LAST_BATCH_LEFT = """
    create schema reconciliation;
    create table reconciliation.fct_source_days as
    select
        '/gateway/' as source_prefix,
        usage_date,
        '2026-10' as first_billing_period,
        usage_date + 1 + to_hours(36) as grace_ends_at,
        arrival
    from (
        values
            (date '2026-10-30', 'arrived'),
            (date '2026-10-31', 'pending'),
            (date '2026-11-01', 'pending')
    ) as days (usage_date, arrival);
    create table reconciliation.fct_control_totals as
    select
        '/gateway/' as source_prefix,
        usage_date,
        'events' as measure,
        'events' as unit,
        '2026-10' as first_billing_period,
        usage_date + 1 + to_hours(36) as grace_ends_at,
        announced_quantity,
        8.0 as arrived_quantity,
        agreement
    from (
        values
            (date '2026-10-29', 9.0, 'short'),
            (date '2026-10-30', 8.0, 'agrees'),
            (date '2026-10-31', 9.0, 'waits'),
            (date '2026-11-01', null, 'waits')
    ) as totals (usage_date, announced_quantity, agreement);
    create schema billing;
    create table billing.fct_exceptions as
    select 'control_total' as object_kind, '2026-10-29 /gateway/ events' as object_id,
        'waived' as state
"""


@dataclass(frozen=True)
class Watch:
    """One data directory whose watch can be run at any instant."""

    settings: Settings
    manifest: Path

    def look(self, at: datetime, check_name: str = WATCH_CHECK) -> dg.AssetCheckEvaluation:
        installation = Installation(self.settings, clock=lambda: at)
        definitions = build_definitions(installation=installation, manifest=self.manifest)
        run = definitions.resolve_job_def("watch_sources").execute_in_process()
        [evaluation] = [
            each for each in run.get_asset_check_evaluations() if each.check_name == check_name
        ]
        return evaluation


@pytest.fixture
def silent(tmp_path: Path, manifest: Path) -> Watch:
    settings = Settings(data_dir=tmp_path)
    with open_warehouse(settings) as warehouse:
        warehouse.execute(LAST_BATCH_LEFT)
    return Watch(settings, manifest)


def test_a_day_within_its_grace_is_not_overdue(silent: Watch) -> None:
    assert silent.look(GRACE_ENDS_AT - timedelta(microseconds=1)).passed


def test_silence_turns_the_watch_red_without_any_new_batch(silent: Watch) -> None:
    """Invariant 1: what was pending at the last batch is overdue by the clock."""
    seen = silent.look(GRACE_ENDS_AT)

    assert not seen.passed
    assert "No usage arrived of 2026-10-31 /gateway/. " in (seen.description or "")
    assert 1 == seen.metadata["overdue"].value


def test_a_total_that_does_not_agree_is_named_when_its_grace_is_over(silent: Watch) -> None:
    """Invariant 1: one that an approver lets stand is not."""
    assert silent.look(GRACE_ENDS_AT - timedelta(microseconds=1), TOTALS_WATCH_CHECK).passed
    seen = silent.look(GRACE_ENDS_AT, TOTALS_WATCH_CHECK)

    assert not seen.passed
    assert "do not agree: 2026-10-31 /gateway/ events. " in (seen.description or "")
    assert 1 == seen.metadata["overdue"].value


def test_before_the_first_build_nothing_is_announced(tmp_path: Path, manifest: Path) -> None:
    unbuilt = Watch(Settings(data_dir=tmp_path), manifest)
    for check_name in (WATCH_CHECK, TOTALS_WATCH_CHECK):
        assert unbuilt.look(GRACE_ENDS_AT, check_name).passed
