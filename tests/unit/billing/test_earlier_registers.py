"""A register is never rewritten: what earlier versions wrote is read, what later ones wrote not."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from billing_rows import NOW, entries_table
from signing import frozen

from orchestration.billing import candidates, commits, revision_contents, revision_files
from orchestration.billing.entries import REGISTER_ENTRY_SCHEMA
from orchestration.billing.posting_payloads import payloads_of
from orchestration.billing.refusals import RegisterDamagedError, RegisterNewerError
from orchestration.billing.register import Register
from orchestration.billing.revisions import LINE_SCHEMA

SERVICE_DAYS = ("service_start_date", "service_end_date")
LATER_COLUMNS = ("credit_grant_id", *SERVICE_DAYS)
LINE = {
    "charge_id": "calls",
    "erp_item": "calls",
    "revenue_account": "4000",
    "tax_profile": "standard",
    "unit_label": "call",
    "customer_id": "acme",
    "bill_to_customer_id": "acme",
    "billing_period": "2026-10",
    "quantity": Decimal(5),
    "cell_start_date": date(2026, 10, 1),
    "cell_end_date": date(2026, 11, 1),
}


def without(schema, names):
    return pa.schema([schema.field(name) for name in schema.names if name not in names])


@pytest.fixture
def as_earlier(monkeypatch):
    """Write entries as a version wrote them that did not know some columns."""

    def write_without(*names):
        write = commits.parquet_file

        def earlier(role, table, schema, path=None):
            return write(role, table.drop_columns(list(names)), without(table.schema, names), path)

        monkeypatch.setattr(commits, "parquet_file", earlier)

    return write_without


@pytest.fixture
def register(tmp_path):
    return Register(tmp_path / "register")


def record(register, **columns):
    register.commit(
        kind="sign", subject={"note": "a"}, now=NOW, entries=entries_table(LINE | columns)
    )


@pytest.mark.parametrize("names", [LATER_COLUMNS[:1], SERVICE_DAYS, LATER_COLUMNS])
def test_entries_signed_before_a_column_came_are_read_with_nothing_in_it(
    register, as_earlier, monkeypatch, names
):
    as_earlier(*names)
    record(register)
    monkeypatch.undo()
    record(register, settlement_key="k2", posting_key="UB", service_start_date=date(2026, 10, 9))
    entries = register.entries()
    assert REGISTER_ENTRY_SCHEMA == entries.schema
    assert [None, date(2026, 10, 9)] == entries["service_start_date"].to_pylist()
    assert {"k1": Decimal("1.0000"), "k2": Decimal("1.0000")} == register.billed()
    assert () == register.verify()


def test_a_document_signed_before_lines_had_service_days_is_sent_with_those_of_its_cell(
    register, as_earlier, monkeypatch, tmp_path
):
    """Invariant 10: its bytes are what the version that signed it would have sent."""
    as_earlier(*SERVICE_DAYS)
    record(register)
    [payload] = payloads_of(register.entries()).values()
    [line] = payload.document().lines
    assert (date(2026, 10, 1), date(2026, 11, 1)) == (
        line.service_start_date,
        line.service_end_date,
    )
    monkeypatch.undo()
    today = Register(tmp_path / "today")
    record(today, service_start_date=date(2026, 10, 9), service_end_date=date(2026, 10, 11))
    [payload] = payloads_of(today.entries()).values()
    [line] = payload.document().lines
    assert (date(2026, 10, 9), date(2026, 10, 11)) == (
        line.service_start_date,
        line.service_end_date,
    )


def test_a_revision_frozen_by_an_earlier_version_is_proved_and_signed(world, monkeypatch):
    earlier = without(LINE_SCHEMA, SERVICE_DAYS)
    selected = candidates._LINES
    for name in SERVICE_DAYS:
        selected = selected.replace(f", lines.{name}", "")
    monkeypatch.setattr(candidates, "_LINES", selected)
    for module in (candidates, revision_contents, revision_files):
        monkeypatch.setattr(module, "LINE_SCHEMA", earlier)
    revision = frozen(world)
    monkeypatch.undo()
    world.sign(revision.revision_id)
    assert {"us|acme|tokens|2026-10-01": Decimal("100.0000")} == world.register.billed()
    assert [None] == world.register.entries()["service_start_date"].to_pylist()


def test_a_column_that_only_a_later_version_knows_is_refused_and_named(register, monkeypatch):
    write = commits.parquet_file

    def later(role, table, schema, path=None):
        more = table.append_column("gift", pa.array(["x"] * table.num_rows))
        return write(role, more, more.schema, path)

    monkeypatch.setattr(commits, "parquet_file", later)
    record(register)
    with pytest.raises(RegisterNewerError, match=r"unknown columns gift.*later version"):
        register.entries()


def test_a_column_of_another_type_is_refused(register, monkeypatch):
    write = commits.parquet_file

    def later(role, table, schema, path=None):
        more = table.set_column(0, "entry_number", pa.array(["one"] * table.num_rows))
        return write(role, more, more.schema, path)

    monkeypatch.setattr(commits, "parquet_file", later)
    record(register)
    with pytest.raises(RegisterNewerError, match="columns of other types"):
        register.entries()


def test_a_file_without_a_column_that_every_entry_must_have_is_damaged(register, as_earlier):
    as_earlier("amount")
    record(register)
    with pytest.raises(RegisterDamagedError, match="lacks the columns amount"):
        register.entries()
