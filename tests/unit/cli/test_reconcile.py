"""The command that reconciles a month: tables, files and exit codes over marts written by hand."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.settings import Settings

SCOPE = (
    "scope_id varchar, leg varchar, system_id varchar, event_month varchar, customer_id varchar, "
    "billing_period varchar, erp_item varchar, currency_code varchar, meter_id varchar, "
    "unit varchar"
)
MARTS = f"""
    create schema reconciliation;
    create table reconciliation.fct_checkpoints (
        {SCOPE}, checkpoint_number integer, checkpoint_name varchar, counted_in varchar,
        item_count bigint, quantity decimal(38, 9), amount decimal(38, 4), count_variance bigint,
        quantity_variance decimal(38, 9), amount_variance decimal(38, 4), unexplained_count bigint,
        unexplained_quantity decimal(38, 9), unexplained_amount decimal(38, 4),
        is_explained boolean, reason varchar
    );
    create table reconciliation.fct_checkpoint_reasons (
        checkpoint_reason_id varchar, {SCOPE}, checkpoint_name varchar, reason varchar,
        reason_code varchar,
        item_count bigint, quantity decimal(38, 9), amount decimal(38, 4)
    );
"""
SEPTEMBER = {"leg": "amounts", "billing_period": "2026-09", "currency_code": "USD"}


def amounts(customer: str, *, rated: str, candidate: str, unexplained: str = "0", **scope: str):
    """A customer's first two checkpoints of amounts, in one product line."""
    scoped = SEPTEMBER | {"scope_id": customer, "customer_id": customer, "erp_item": "API"} | scope
    variance = Decimal(candidate) - Decimal(rated)
    return [
        scoped
        | {
            "checkpoint_number": 6,
            "checkpoint_name": "rated",
            "item_count": 2,
            "amount": Decimal(rated),
            "is_explained": True,
        },
        scoped
        | {
            "checkpoint_number": 7,
            "checkpoint_name": "candidate",
            "item_count": 1,
            "amount": Decimal(candidate),
            "count_variance": -1,
            "amount_variance": variance,
            "unexplained_count": 0,
            "unexplained_amount": Decimal(unexplained),
            "is_explained": Decimal(unexplained) == 0,
        },
    ]


def held(customer: str, amount: str) -> dict[str, object]:
    return SEPTEMBER | {
        "checkpoint_reason_id": customer,
        "scope_id": customer,
        "customer_id": customer,
        "erp_item": "API",
        "checkpoint_name": "candidate",
        "reason": "held",
        "reason_code": "missing_price",
        "item_count": -1,
        "amount": Decimal(amount),
    }


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    invoke("init", "--data-dir", str(tmp_path))
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def build(data_dir: Path, checkpoints: list[dict[str, object]], *reasons: dict[str, object]):
    file = Settings.load(data_dir).warehouse_file
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(file) as connection:
        connection.execute(MARTS)
        for table, rows in (("fct_checkpoints", checkpoints), ("fct_checkpoint_reasons", reasons)):
            for row in rows:
                marks = ", ".join(f"${name}" for name in row)
                connection.execute(
                    f"insert into reconciliation.{table} ({', '.join(row)}) values ({marks})", row
                )


def reconcile(data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    return invoke("reconcile", "--period", "2026-09", "--data-dir", str(data_dir), *arguments)


def test_a_month_is_added_up_over_its_customers_with_every_reason(data_dir: Path) -> None:
    build(
        data_dir,
        [
            *amounts("a", rated="10.50", candidate="7.25"),
            *amounts("b", rated="1", candidate="1"),
            *amounts("a", rated="9", candidate="9", billing_period="2026-10", scope_id="later"),
        ],
        held("a", "-3.25"),
    )

    code, output, _ = reconcile(data_dir)

    assert ExitCode.DONE == code
    assert "USD 11.50" in output
    assert "held (missing_price) -3.25" in output
    assert "Every variance is explained" in output
    with (data_dir / "reports/reconciliation/2026-09/checkpoints.csv").open() as lines:
        rows = [row["amount"] for row in csv.DictReader(lines)]
    assert ["1.00", "1.00", "10.50", "7.25"] == sorted(rows)


def test_rests_of_opposite_signs_do_not_cancel_out_and_end_with_four(data_dir: Path) -> None:
    build(
        data_dir,
        [
            *amounts("a", rated="10", candidate="11", unexplained="1"),
            *amounts("b", rated="10", candidate="9", unexplained="-1"),
        ],
    )

    code, output, _ = reconcile(data_dir)
    _, document, _ = reconcile(data_dir, "--json")

    assert ExitCode.CHECKS_RED == code
    assert "unexplained 2.00" in output
    [_, candidate] = json.loads(document)["checkpoints"]
    assert ("0.00", "2.00", 2) == (
        candidate["figure_variance"],
        candidate["unexplained_figure"],
        candidate["unexplained_scopes"],
    )


def test_a_customer_is_shown_by_product_line_and_alone(data_dir: Path) -> None:
    build(
        data_dir,
        [
            *amounts("a", rated="10", candidate="10", erp_item="API"),
            *amounts("a", rated="5", candidate="5", erp_item="SEATS", scope_id="a2"),
            *amounts("b", rated="70", candidate="70", erp_item="SEATS"),
        ],
    )

    code, document, _ = reconcile(data_dir, "--customer", "a", "--json")

    assert ExitCode.DONE == code
    shown = [(row["part"], row["figure"]) for row in json.loads(document)["checkpoints"]]
    assert [("API", "10.00"), ("API", "10.00"), ("SEATS", "5.00"), ("SEATS", "5.00")] == shown
    assert (data_dir / "reports/reconciliation/2026-09-a/reasons.csv").exists()


def test_what_no_build_has_compared_is_refused_and_nothing_is_written(data_dir: Path) -> None:
    unbuilt = reconcile(data_dir, "--json")
    build(data_dir, amounts("a", rated="1", candidate="1"))
    unknown = reconcile(data_dir, "--customer", "nobody", "--json")

    for code, output, _ in (unbuilt, unknown):
        assert ExitCode.REFUSED == code
        assert "no_checkpoints" == json.loads(output)["error"]["code"]
    assert not (data_dir / "reports" / "reconciliation").exists()
