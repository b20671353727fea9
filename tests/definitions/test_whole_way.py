"""The jobs one after the other on a small sample, as the demo and finance run them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from orchestration.asset_keys import PERIOD_SIGN_OFF
from orchestration.billing.register import Register
from orchestration.cli_answers import ExitCode
from orchestration.cli_demo import demo_settings
from orchestration.cli_runs import JobRunner, RunReport, job_runner
from orchestration.data_directory import initialise
from orchestration.defs.transform.conservation import CHECK_OF_INVARIANT
from orchestration.operations_db.tables import file_sightings, ingestion_batches
from orchestration.partitions import landing_span
from orchestration.period_close import entities_to_decide
from orchestration.pipeline import (
    RATING,
    Installation,
    build_models,
    judge_candidates,
    judge_raw_events,
    load_reference_data,
    load_usage_files,
    read_conservation,
    write_inputs,
)
from orchestration.reports.calculation import standing
from orchestration.reports.explanation import busiest_signed_line, explain_line
from orchestration.reports.publication import open_published
from orchestration.reports.status import InstallationStatus, installation_status
from orchestration.reports.verification import verify_installation
from orchestration.sample.write import write_sample
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import open_warehouse

PERIOD = "2026-09"
PARTITION = "2026-09-01"
EVENT_COUNT = 3_000

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class WholeWay:
    """A finished demo: its reports by job, its truth, and the runner to go on with."""

    installation: Installation
    runner: JobRunner
    reports: dict[str, RunReport]
    truth: dict[str, object]

    @property
    def settings(self) -> Settings:
        return self.installation.settings

    def status(self) -> InstallationStatus:
        return installation_status(self.settings)


@pytest.fixture(scope="module")
def whole_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeWay]:
    settings = demo_settings(Settings(data_dir=tmp_path_factory.mktemp("whole_way")))
    initialise(settings)
    sample = write_sample(settings, event_count=EVENT_COUNT)
    installation = Installation(settings)
    with job_runner(installation) as runner:
        span = landing_span(settings.landing_usage)
        reports = {"ingest_usage": runner.run("ingest_usage", partition_range=span)}
        reports["close_period"] = runner.run("close_period", partition_key=PARTITION)
        for legal_entity_id in entities_to_decide(installation, billing_period=PERIOD):
            reports[legal_entity_id] = sign(runner, legal_entity_id)
        for job_name in ("post_documents", "reconcile_books", "push_signals"):
            reports[job_name] = runner.run(job_name)
        yield WholeWay(installation, runner, reports, sample.truth)


def sign(runner: JobRunner, legal_entity_id: str) -> RunReport:
    return runner.run(
        "sign_off_period",
        partition_key=PARTITION,
        operations={PERIOD_SIGN_OFF.to_python_identifier(): {"legal_entity_id": legal_entity_id}},
    )


def test_every_job_of_the_demo_is_done(whole_way: WholeWay) -> None:
    not_done = {
        name: (report.failures, report.red_checks)
        for name, report in whole_way.reports.items()
        if report.exit_code is not ExitCode.DONE
    }

    assert {} == not_done


def test_every_invariant_holds_with_its_figures(whole_way: WholeWay) -> None:
    """Invariants 1-7."""
    figures = whole_way.status().conservation

    assert {1, 2, 3, 4, 5, 6, 7} == {figure.invariant_number for figure in figures}
    assert [] == [figure.check_name for figure in figures if not figure.is_held]


def test_what_was_signed_stands_in_the_erp_to_the_cent(whole_way: WholeWay) -> None:
    """Invariants 7, 10 and 11."""
    currencies = whole_way.status().currencies

    assert {"EUR", "JPY", "USD"} == {row.currency_code for row in currencies}
    for row in currencies:
        assert row.documents_signed > 0
        assert (row.documents_signed, row.signed) == (row.documents_posted, row.posted)


def test_a_signature_shows_what_it_billed_in_each_currencys_own_minor_units(
    whole_way: WholeWay,
) -> None:
    shown = [
        (name.removeprefix("signed_"), text)
        for legal_entity_id in ("us_inc", "de_gmbh", "jp_kk")
        for name, text in whole_way.reports[legal_entity_id]
        .metadata["sign_off/period_sign_off"]
        .items()
        if name in ("signed_EUR", "signed_JPY", "signed_USD")
    ]
    exact: dict[str, Decimal] = defaultdict(Decimal)
    for currency, text in shown:
        exact[currency] += Decimal(text.replace(",", ""))

    assert {row.currency_code: row.signed for row in whole_way.status().currencies} == exact
    assert {("EUR", 2), ("JPY", 0), ("USD", 2)} == {
        (currency, len(text.partition(".")[2])) for currency, text in shown
    }


def test_a_second_signature_of_the_same_revision_is_refused_for_good(whole_way: WholeWay) -> None:
    report = sign(whole_way.runner, "us_inc")

    assert ExitCode.REFUSED == report.exit_code
    assert ["already_signed"] == [failure.code for failure in report.failures]


def test_posting_again_posts_nothing(whole_way: WholeWay) -> None:
    """Invariants 9 and 11."""
    before = whole_way.status().currencies

    again = whole_way.runner.run("post_documents")

    assert "0" == again.metadata["posting/erp_documents"]["posted"]
    assert before == whole_way.status().currencies


def test_loading_again_loads_nothing(whole_way: WholeWay) -> None:
    """Invariant 9."""
    span = landing_span(whole_way.settings.landing_usage)

    again = whole_way.runner.run("ingest_usage", partition_range=span)

    assert again.is_successful
    assert "none" == again.metadata["ingestion/usage_events"]["ingestion_batch_id"]


def test_replaying_rejects_under_the_same_contracts_accepts_none(whole_way: WholeWay) -> None:
    """Invariant 9: what was rejected for a reason stays rejected until the reason is gone."""
    before = whole_way.status()

    report = whole_way.runner.run("replay_rejects")

    assert report.is_successful
    assert before.usage == whole_way.status().usage


def test_a_line_is_explained_down_to_each_of_its_events(whole_way: WholeWay) -> None:
    """Invariant 8: as many events as the line's digest covers, from the published copy."""
    line = busiest_signed_line(whole_way.settings)

    explanation = explain_line(whole_way.settings, line, event_limit=1_000_000)

    assert explanation.line["event_count"] == len(explanation.event_ids)
    assert explanation.line["amount"] == explanation.signed[0]["amount"]
    assert "local demo" == explanation.signed[0]["signer"]
    assert ["SIGNED", "POSTED"] == [state for state, _ in standing(explanation)]


def test_a_line_that_is_held_says_by_what_and_is_on_no_document(whole_way: WholeWay) -> None:
    with closing(open_published(whole_way.settings)) as copy:
        [line] = copy.execute(
            "select rated_line_id from rating.fct_rated_lines where rating_status = 'unknown' "
            "order by rated_line_id limit 1"
        ).fetchall()

    explanation = explain_line(whole_way.settings, line[0], event_limit=1)

    assert ["conflicting_events"] == [row["exception_code"] for row in explanation.exceptions]
    assert ["HELD"] == [state for state, _ in standing(explanation)]


def test_what_is_rated_and_due_with_what_is_held_is_what_the_sixth_invariant_counts(
    whole_way: WholeWay,
) -> None:
    """Invariant 6: the two tables of the status differ by nothing that is not named."""
    status = whole_way.status()
    [counted] = [
        figure
        for figure in status.conservation
        if figure.check_name == "rated_amount_is_billed_due_or_held"
    ]
    shown: dict[str, Decimal] = defaultdict(Decimal)
    for row in status.money:
        shown[row.currency_code] += row.rated - row.not_due_yet + row.held

    assert {side.unit: side.left_figure for side in counted.sides} == shown
    assert sum(row.held for row in status.money) > 0
    assert status.usage.lines_accepted == status.usage.events_in_marts


def test_the_status_tells_when_its_marts_were_published(whole_way: WholeWay) -> None:
    status = whole_way.status()

    assert status.published_at is not None
    assert f"{status.published_at:%Y%m%dT%H%M%S.%fZ}" == status.published_copy


def test_the_published_copy_holds_the_marts_of_the_issue(whole_way: WholeWay) -> None:
    with closing(open_published(whole_way.settings)) as copy:
        rows = copy.execute(
            "select table_name from duckdb_tables() union select view_name from duckdb_views()"
        ).fetchall()

    assert {
        "fct_metered_usage",
        "fct_rated_lines",
        "fct_rated_line_tiers",
        "fct_invoice_candidates",
        "fct_invoice_candidate_lines",
        "fct_exceptions",
        "fct_conservation",
        "fct_line_events",
        "dim_customers",
        "dim_contracts",
        "dim_prices",
        "dim_exchange_rates",
    } <= {name for (name,) in rows}


def test_the_months_totals_are_translated_for_a_report_with_the_rates_of_the_company(
    whole_way: WholeWay,
) -> None:
    """Of docs/how-to/report-in-one-currency.md, at the sample's rates of 1 September."""
    page = (PROJECT_ROOT / "docs/how-to/report-in-one-currency.md").read_text(encoding="utf-8")
    [query] = re.findall(r"^```sql\n(with .*?)^```", page, re.DOTALL | re.MULTILINE)
    with closing(open_published(whole_way.settings)) as copy:
        shown = copy.execute(
            f"from ({query.rstrip().rstrip(';')}) where billing_period = '2026-09'"
        )
        rows = shown.fetchall()
        names = [column[0] for column in shown.description]
        rated = dict(
            copy.execute(
                "select currency_code, sum(amount) from rating.fct_rated_lines "
                "where billing_period = '2026-09' and is_due group by currency_code"
            ).fetchall()
        )
    rates = {"EUR": Decimal("1.0912"), "JPY": Decimal("0.006780"), "USD": Decimal(1)}
    in_usd = {
        currency: (amount * rates[currency]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for currency, amount in rated.items()
    }
    found = [dict(zip(names, row, strict=True)) for row in rows]

    assert {"EUR", "JPY", "USD"} == set(rated)
    assert in_usd == {row["currency_code"]: row["amount_in_usd"] for row in found}
    assert {sum(in_usd.values())} == {row["period_amount_in_usd"] for row in found}
    assert {"EUR": date(2026, 9, 1), "JPY": date(2026, 9, 1), "USD": None} == {
        row["currency_code"]: row["rate_date"] for row in found
    }


def test_doctor_finds_the_installation_sound(whole_way: WholeWay) -> None:
    findings = verify_installation(whole_way.settings)

    assert [] == [finding for finding in findings if not finding.is_sound]


def test_every_landing_file_was_looked_at_once(whole_way: WholeWay) -> None:
    with whole_way.installation.operations() as engine, engine.connect() as connection:
        seen = set(connection.scalars(sa.select(file_sightings.c.path)))
    landed = {
        path.relative_to(whole_way.settings.data_dir).as_posix()
        for path in whole_way.settings.landing_usage.rglob("*")
        if path.is_file()
    }

    assert landed == seen


def test_without_dagster_the_same_steps_rate_the_same(whole_way: WholeWay, tmp_path: Path) -> None:
    """Invariant 9: another machine, another order of work, the same documents."""
    settings = Settings(data_dir=tmp_path)
    write_sample(settings, event_count=EVENT_COUNT)

    installation = Installation(settings)
    load_reference_data(installation)
    loaded = load_usage_files(installation)
    raw = judge_raw_events(installation, ingestion_batch_id=loaded.ingestion_batch_id or 0)
    write_inputs(installation)
    build_models(installation, RATING)
    expectations = judge_candidates(installation, billing_period=PERIOD)
    with open_warehouse(settings) as warehouse:
        documents = warehouse.execute(
            "select legal_entity_id, sum(amount) from billing.fct_invoice_candidates "
            "where billing_period = ? group by all",
            [PERIOD],
        ).fetchall()

    frozen = {
        revision.legal_entity_id: sum(revision.amounts.values())
        for revision in whole_way.status().revisions
    }
    assert frozen == dict(documents)
    assert raw.is_passed
    assert expectations.is_passed
    assert all(figure.is_passed for figure in read_conservation(installation))


def test_a_broken_invariant_stops_the_freeze(whole_way: WholeWay) -> None:
    """Invariant 1: one line that nobody accounts for, and nothing after the check happens."""
    commits = Register(whole_way.settings.register).head().sequence
    with whole_way.installation.operations() as engine:
        with engine.begin() as connection:
            connection.execute(lose_a_line(+1))
        report = whole_way.runner.run("close_period", partition_key="2026-10-01")
        with engine.begin() as connection:
            connection.execute(lose_a_line(-1))

    assert ExitCode.CHECKS_RED == report.exit_code
    [(check, description)] = report.red_checks.items()
    assert f"reconciliation/fct_conservation: {CHECK_OF_INVARIANT[1]}" == check
    assert () == report.failures
    assert "(ingestion_batch 1). Run tallyhouse doctor" in description
    assert "sign_off/frozen_revisions" not in report.metadata
    assert "publishing/published_marts" not in report.metadata
    assert commits == Register(whole_way.settings.register).head().sequence


def test_a_freeze_under_a_broken_invariant_says_that_nobody_can_sign_it(
    whole_way: WholeWay,
) -> None:
    """Invariant 2: the freeze alone is stopped by no check, so it says what they mean for it."""
    frozen = "sign_off/frozen_revisions"
    green = whole_way.reports["close_period"]
    with open_warehouse(whole_way.settings) as warehouse:
        warehouse.execute(
            "update reconciliation.fct_conservation "
            "set is_held = "
            "check_name <> 'accepted_events_are_unique_repeated_or_conflicting' "
            "or scope_kind <> 'all'"
        )

    red = whole_way.runner.run("freeze_period", partition_key="2026-10-01")

    assert "notice" not in green.metadata[frozen]
    assert red.metadata[frozen]["notice"].startswith(
        "Cannot be signed: de_gmbh:2026-10:r1, jp_kk:2026-10:r1, us_inc:2026-10:r1, since "
        "accepted_events_are_unique_repeated_or_conflicting is red. "
    )


def lose_a_line(lines: int) -> sa.Update:
    batches = ingestion_batches
    return (
        sa.update(batches)
        .where(batches.c.ingestion_batch_id == 1)
        .values(
            lines_read=batches.c.lines_read + lines,
            lines_rejected=batches.c.lines_rejected + lines,
        )
    )
