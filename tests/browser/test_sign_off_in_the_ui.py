"""Finance's way through the Dagster UI: look, sign in the launchpad, and see the posting follow.

The webserver stands behind nothing here; the browser itself sends the header that a reverse proxy
would set.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect, sync_playwright

from orchestration.cli_runs import job_runner
from orchestration.data_directory import initialise
from orchestration.operations_db.tables import file_sightings
from orchestration.partitions import landing_span
from orchestration.period_close import entities_to_decide
from orchestration.pipeline import Installation
from orchestration.run_coordinator import SECRET_VARIABLE
from orchestration.sample.write import write_sample
from orchestration.settings import Settings

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PERSON = "dana.finch@brightloop.example"
PARTITION = "2026-09-01"
START_SECONDS = 180
RUN_SECONDS = 180
DONE = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
FORM = """ops:
  sign_off__period_sign_off:
    config:
      legal_entity_id: us_inc
      decision: SIGN
      revision: '1'
      note: variance and exceptions looked at
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

ACCEPTED = "accepted_events_are_unique_repeated_or_conflicting"


@dataclass(frozen=True)
class RunningUi:
    """A Dagster UI with its daemon on loopback, over a prepared data directory."""

    address: str
    settings: Settings

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(  # noqa: S310 — loopback only
            f"{self.address}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)["data"]

    def run_of(self, job_name: str) -> Any:
        """Return the latest run of a job, or None."""
        runs = self.ask(
            "query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 1) "
            "{ ... on Runs { results { runId status tags { key value } } } } }",
            filter={"pipelineName": job_name},
        )["runsOrError"]["results"]
        return runs[0] if runs else None


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("browser"))
    prepare(settings)
    port = free_port()
    log = (settings.data_dir / "ui.log").open("w")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "orchestration.cli", "dev"),
            *("--data-dir", str(settings.data_dir), "--port", str(port)),
        ],
        env=os.environ | {SECRET_VARIABLE: "known to the servers only"},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    running = RunningUi(f"http://127.0.0.1:{port}", settings)
    try:
        wait_until(lambda: is_serving(running.address), seconds=START_SECONDS)
        yield running
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
        log.close()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        opened = browser.new_page(
            viewport={"width": 1700, "height": 1100},
            extra_http_headers={"X-Forwarded-Email": PERSON},
        )
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def prepare(settings: Settings) -> None:
    """Load and freeze a small sample by the jobs that a person would run."""
    initialise(settings)
    write_sample(settings, event_count=3_000)
    with job_runner(Installation(settings)) as runner:
        ingested = runner.run("ingest_usage", partition_range=landing_span(settings.landing_usage))
        closed = runner.run("close_period", partition_key=PARTITION)
    assert (True, True) == (ingested.is_successful, closed.is_successful), closed.failures


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_serving(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5):  # noqa: S310 — loopback
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.5)


def sign_in_the_launchpad(page: Page, address: str) -> None:
    page.goto(f"{address}/assets/sign_off/period_sign_off")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_placeholder("Partition").click()
    page.keyboard.type(PARTITION)
    page.locator("[class*=menuItemText]", has_text=PARTITION).click()
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(FORM)
    expect(page.get_by_text("No errors")).to_be_visible()
    page.locator("button", has_text="Materialize").last.click()


def test_the_figures_of_an_invariant_stand_in_the_ui(ui: RunningUi, page: Page) -> None:
    """Invariant 2: both sides and the difference, on the check of the asset."""
    page.goto(f"{ui.address}/assets/reconciliation/fct_conservation?view=checks")

    page.get_by_text("accepted_events").first.click()

    expect(page.get_by_text("This is a blocking asset check")).to_be_visible()
    expect(page.get_by_text(f"{ACCEPTED}: accepted events", exact=True)).to_be_visible()
    expect(page.get_by_text(f"{ACCEPTED}: difference", exact=True)).to_be_visible()


def test_a_signature_in_the_launchpad_is_followed_by_the_posting_run(
    ui: RunningUi, page: Page
) -> None:
    """Invariants 10 and 11: what a verified person signed is posted, by the sensor, once."""
    sign_in_the_launchpad(page, ui.address)

    wait_until(lambda: is_done(ui.run_of("__ASSET_JOB")), seconds=RUN_SECONDS)
    wait_until(lambda: is_done(ui.run_of("post_documents")), seconds=RUN_SECONDS)
    page.goto(f"{ui.address}/runs")
    expect(page.get_by_text("post_documents").first).to_be_visible()
    posting = {tag["key"]: tag["value"] for tag in ui.run_of("post_documents")["tags"]}
    page.goto(f"{ui.address}/assets/sign_off/period_sign_off")
    expect(page.get_by_text(f"{PERSON} (verified)")).to_be_visible()

    assert "signed_documents" == posting["dagster/sensor_name"]
    assert "us_inc" not in entities_to_decide(Installation(ui.settings), billing_period="2026-09")


def is_done(run: Any) -> bool:
    assert run is None or run["status"] not in {"FAILURE", "CANCELED"}, run
    return run is not None and run["status"] == "SUCCESS"


def test_a_backfill_of_landing_days_is_one_run(ui: RunningUi) -> None:
    """A range that was loaded before is one run, and loads nothing twice."""
    started = ui.ask(
        "mutation($params: LaunchBackfillParams!) "
        "{ launchPartitionBackfill(backfillParams: $params) "
        "{ __typename ... on LaunchBackfillSuccess { backfillId } } }",
        params={
            "assetSelection": [{"path": ["ingestion", "usage_events"]}],
            "partitionNames": [f"2026-09-{day:02}" for day in range(1, 11)],
            "title": "ten days again",
        },
    )["launchPartitionBackfill"]
    backfill_id = started["backfillId"]

    wait_until(lambda: backfill_status(ui, backfill_id)["status"] in DONE, seconds=RUN_SECONDS)
    finished = backfill_status(ui, backfill_id)

    assert "COMPLETED_SUCCESS" == finished["status"]
    assert 1 == len(finished["runs"])


def backfill_status(ui: RunningUi, backfill_id: str) -> Any:
    found = ui.ask(
        "query($id: String!) { partitionBackfillOrError(backfillId: $id) "
        "{ ... on PartitionBackfill { status runs(limit: 50) { runId } } } }",
        id=backfill_id,
    )["partitionBackfillOrError"]
    return {"status": found["status"], "runs": found["runs"]}


def test_a_new_file_is_loaded_by_the_sensor(ui: RunningUi) -> None:
    """Invariant 9: under a new name it is seen, and its known content is loaded no second time."""
    landed = min(path for path in ui.settings.landing_usage.rglob("*") if path.is_file())
    copy = landed.with_name(f"again-{landed.name}")
    shutil.copy2(landed, copy)

    wait_until(lambda: is_started_by(ui, "new_usage_files"), seconds=RUN_SECONDS)
    wait_until(lambda: is_done(ui.run_of("ingest_usage")), seconds=RUN_SECONDS)
    with Installation(ui.settings).operations() as engine, engine.connect() as connection:
        name = copy.relative_to(ui.settings.data_dir).as_posix()
        outcomes = connection.scalars(
            sa.select(file_sightings.c.outcome).where(file_sightings.c.path == name)
        ).all()

    assert ["same_content"] == list(outcomes)


def is_started_by(ui: RunningUi, sensor_name: str) -> bool:
    run = ui.run_of("ingest_usage")
    tags = {tag["key"]: tag["value"] for tag in run["tags"]} if run else {}
    return sensor_name == tags.get("dagster/sensor_name")
