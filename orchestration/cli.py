"""The command line: each command a thin front to the jobs that the Dagster UI runs too.

Belongs here: commands, their options, what they print. Does not belong here: a step (pipeline.py),
a run (cli_runs.py), a table (reports).

Exit codes: 0 done · 1 technical failure, a repeat may succeed · 2 wrong usage · 3 refused, a person
must change data or decide · 4 a blocking check is red.
"""

import atexit
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestration.asset_keys import PERIOD_SIGN_OFF
from orchestration.cli_answers import Answer, ExitCode, errors_answered
from orchestration.cli_control_totals import add_control_total_commands
from orchestration.cli_demo import demo_settings, open_ui, run_demo
from orchestration.cli_evidence import add_evidence_commands
from orchestration.cli_exceptions import exceptions_app
from orchestration.cli_options import DataDir, Json, Period
from orchestration.cli_progress import progress_bars
from orchestration.cli_reconcile import reconcile
from orchestration.cli_records import record
from orchestration.cli_rerating import add_rerating_commands
from orchestration.cli_runs import (
    JobRunner,
    RunReport,
    inspector,
    job_runner,
    print_run,
    verified,
)
from orchestration.cli_shadow import compare_invoices
from orchestration.cli_what_if import what_if
from orchestration.data_directory import is_initialised, make_dagster_home
from orchestration.defs.inspection.jobs import DEFAULT_EVENT_LIMIT
from orchestration.partitions import landing_span, partition_of_period
from orchestration.period_close import Decision, entities_to_decide, refuse_nothing_to_decide
from orchestration.pipeline import Installation
from orchestration.reports.calculation import print_explanation
from orchestration.reports.prices import prices_json, print_prices
from orchestration.reports.reproductions import print_reproductions, reproductions_json
from orchestration.reports.tables import print_problems, print_status, print_verification
from orchestration.settings import Settings

app = typer.Typer(
    name="tallyhouse",
    help="From raw product usage to rated, signed and exactly-once posted invoices.",
    epilog=(
        "Exit codes: 0 done, 1 technical failure (a repeat may succeed), 2 wrong usage, "
        "3 refused (a person must change data or decide), 4 a blocking check is red."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

add_control_total_commands(app)
add_evidence_commands(app)
app.add_typer(exceptions_app)


@app.command()
def init(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Make a data directory with its operations database and Dagster instance."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer):
        settings = Settings.load(data_dir)
        make_dagster_home(settings)
        with inspector(settings) as runner:
            runner.ask("prepare_data_directory", "prepared_folders")
    answer.give({"data_dir": settings.data_dir, "dagster_home": settings.dagster_home})
    answer.say(f"{settings.data_dir} is ready. Put usage files under {settings.landing_usage}.")


@app.command()
def validate(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """List every problem of the reference folder at once, with file and line."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer):
        settings = Settings.load(data_dir)
        with inspector(settings, is_recorded=is_initialised(settings)) as runner:
            problems = runner.ask("validate_reference_folder", "reference_problems")
    answer.give({"reference": settings.reference_dir, "problems": [asdict(p) for p in problems]})
    print_problems(answer.console, settings.reference_dir, problems)
    answer.end(ExitCode.REFUSED if any(p.severity == "error" for p in problems) else ExitCode.DONE)


@app.command()
def run(period: Period, data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Load what landed, rate it, judge it, freeze the billing period and publish the marts."""
    answer = Answer(is_json=is_json)
    with _runs(answer, data_dir) as (installation, runner):
        partition = partition_of_period(period)
        span = landing_span(installation.settings.landing_usage)
        reports = [runner.run("ingest_usage", partition_range=span)]
        if reports[-1].is_successful:
            reports.append(runner.run("close_period", partition_key=partition))
    _conclude(answer, reports)


@app.command()
def replay(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Judge rejected lines again, after an event contract or a setting was put right."""
    answer = Answer(is_json=is_json)
    with _runs(answer, data_dir) as (_, runner):
        report = runner.run("replay_rejects")
    _conclude(answer, [report])


@app.command()
def freeze(period: Period, data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Freeze the candidates of a billing period as they stand in the warehouse."""
    answer = Answer(is_json=is_json)
    with _runs(answer, data_dir) as (_, runner):
        report = runner.run("freeze_period", partition_key=partition_of_period(period))
    _conclude(answer, [report])


@app.command(name="sign-off")
def sign_off(  # noqa: PLR0917 — Typer turns each parameter into an option of its own
    period: Period,
    data_dir: DataDir = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(help="Legal entity; without it every one that waits for a decision."),
    ] = None,
    revision: Annotated[str, typer.Option(help="Number or id of the revision.")] = "latest",
    decision: Annotated[Decision, typer.Option(help="What you decide.")] = Decision.SIGN,
    hold: Annotated[list[str] | None, typer.Option(help="Document to leave out.")] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="Document that the policy wants acknowledged: DOCUMENT_ID[=note]."),
    ] = None,
    note: Annotated[str, typer.Option(help="Why; needed to reject and to hold.")] = "",
    signer: Annotated[
        str | None, typer.Option(help="Your name, where a self-declared one counts.")
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Sign or reject the frozen revisions of a billing period."""
    answer = Answer(is_json=is_json)
    form = {
        "decision": decision.name,
        "revision": revision,
        "held_document_ids": hold or [],
        "acknowledged_document_ids": acknowledge or [],
        "note": note,
    } | ({"signer": signer} if signer else {})
    with _runs(answer, data_dir) as (installation, runner):
        partition = partition_of_period(period)
        if not entity:
            refuse_nothing_to_decide(installation, billing_period=period)
        entities = entity or entities_to_decide(installation, billing_period=period)
        if acknowledge and len(entities) > 1:
            raise typer.BadParameter("name the --entity whose documents you --acknowledge.")
        reports = [
            runner.run(
                "sign_off_period",
                partition_key=partition,
                operations={
                    PERIOD_SIGN_OFF.to_python_identifier(): form
                    | {"legal_entity_id": legal_entity_id}
                },
            )
            for legal_entity_id in entities
        ]
    _conclude(answer, reports)


app.command()(record)


@app.command()
def post(
    data_dir: DataDir = None,
    *,
    only_post: Annotated[
        bool, typer.Option("--only-post", help="Leave the rest to Dagster's sensors.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Post what was signed, read it back, reconcile the books, publish, and push signals."""
    answer = Answer(is_json=is_json)
    jobs = (
        ["post_documents"] if only_post else ["post_documents", "reconcile_books", "push_signals"]
    )
    reports: list[RunReport] = []
    with _runs(answer, data_dir) as (_, runner):
        for job_name in jobs:
            reports.append(runner.run(job_name))
            if not reports[-1].is_successful:
                break
    _conclude(answer, reports)


@app.command()
def status(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Show what landed, what is frozen, signed and posted, and which exceptions are open."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        state = runner.ask("show_status", "installation_state")
    answer.give(state.as_json())
    print_status(answer.console, state)


@app.command()
def explain(
    line: Annotated[str, typer.Argument(help="A rated line's id, or <document id>/<line number>.")],
    data_dir: DataDir = None,
    events: Annotated[
        int, typer.Option(min=0, help="How many event ids to list.")
    ] = DEFAULT_EVENT_LIMIT,
    *,
    is_json: Json = False,
) -> None:
    """Show how a line came about: quantity, tiers, rounding, price, contract, events."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        explanation = runner.ask("explain_rated_line", "line_explanation", line=line, events=events)
    answer.give(explanation.as_json())
    print_explanation(answer.console, explanation)


@app.command()
def price(  # noqa: PLR0917 — Typer turns each parameter into an option of its own
    plan: Annotated[str, typer.Argument(help="Id of the plan.")],
    quantity: Annotated[
        str, typer.Option(help="Quantity, in the unit of each charge's meter.", show_default=False)
    ],
    data_dir: DataDir = None,
    charge: Annotated[
        str | None, typer.Option(help="Id of one charge; without it all with usage.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Its code; needed where there are prices in several.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(help="Day whose prices count, YYYY-MM-DD; without it today.")
    ] = None,
    dimensions: Annotated[
        str, typer.Option(help="Values of dimensions: name=value,name=value.")
    ] = "",
    *,
    is_json: Json = False,
) -> None:
    """Show what a quantity costs by the reference folder: each usage charge with its tiers."""
    answer = Answer(is_json=is_json)
    question = {
        "plan": plan,
        "quantity": quantity,
        "dimensions": _dimensions(dimensions),
        **{
            name: text
            for name, text in (("charge", charge), ("currency", currency), ("on", on))
            if text is not None
        },
    }
    with errors_answered(answer):
        settings = Settings.load(data_dir)
        with inspector(settings, is_recorded=is_initialised(settings)) as runner:
            priced = runner.ask("price_quantity", "quantity_prices", **question)
    answer.give(prices_json(priced))
    print_prices(answer.console, priced)


def _dimensions(text: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    if any(not name.strip() or not separator for name, separator, _ in pairs):
        raise typer.BadParameter(
            f"{text!r} is no list of name=value pairs.", param_hint="--dimensions"
        )
    return {name.strip(): value.strip() for name, _, value in pairs}


add_rerating_commands(app)
app.command(name="what-if")(what_if)
app.command(name="compare-invoices")(compare_invoices)
app.command()(reconcile)


@app.command()
def reproduce(
    period: Period,
    data_dir: DataDir = None,
    revision: Annotated[
        int | None,
        typer.Option(min=1, help="Number of the revision; without it the last signed one."),
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="Legal entity; without it every one.")
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Rebuild revisions from their raw files, reference version and register; compare digests."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask(
            "reproduce_revisions",
            "rebuilt_revisions",
            period=period,
            entities=entity or [],
            **({} if revision is None else {"revision": revision}),
        )
    answer.give({"reproductions": reproductions_json(found)})
    print_reproductions(answer.console, found)
    answer.end(ExitCode.DONE if all(each.is_same for each in found) else ExitCode.CHECKS_RED)


@app.command()
def doctor(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Verify register, audit log, the digests of raw files, the folders and the versions."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer):
        findings = verified(Settings.load(data_dir))
    answer.give({"findings": [asdict(finding) for finding in findings]})
    print_verification(answer.console, findings)
    answer.end(
        ExitCode.DONE if all(finding.is_sound for finding in findings) else ExitCode.CHECKS_RED
    )


@app.command()
def demo(
    data_dir: DataDir = None,
    events: Annotated[int, typer.Option(min=1000, help="Distinct usage events.")] = 200_000,
) -> None:
    """Go the whole way on a made-up company: from usage files to posted invoices and signals."""
    answer = Answer(is_json=False)
    with errors_answered(answer), progress_bars(is_shown=True) as on_progress:
        settings = demo_settings(Settings.load(data_dir))
        installation = Installation(settings, on_progress=on_progress)
        run_demo(installation, answer.console, event_count=events)


@app.command()
def dev(
    data_dir: DataDir = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open the Dagster UI with its daemon on this machine, over a data directory."""
    with errors_answered(Answer(is_json=False)):
        open_ui(Settings.load(data_dir), port=port)


@contextmanager
def _runs(answer: Answer, data_dir: Path | None) -> Iterator[tuple[Installation, JobRunner]]:
    with errors_answered(answer), progress_bars(is_shown=not answer.is_json) as on_progress:
        installation = Installation(Settings.load(data_dir), on_progress=on_progress)
        with job_runner(installation) as runner:
            yield installation, runner


def _conclude(answer: Answer, reports: Sequence[RunReport]) -> None:
    answer.give({"runs": [report.as_json() for report in reports]})
    for report in reports:
        is_done = report.exit_code is ExitCode.DONE
        print_run(answer.console if is_done or not answer.is_json else answer.errors, report)
    codes = [report.exit_code for report in reports if report.exit_code is not ExitCode.DONE]
    answer.end(codes[0] if codes else ExitCode.DONE)


def main() -> None:
    """Run the command line.

    What is still written to standard error while the interpreter goes down is thrown away: DuckDB's
    bindings count the objects there that other libraries keep, and nobody can act on it.
    """
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno()))
    app()


if __name__ == "__main__":
    main()
