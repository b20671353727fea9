"""CSV cells: exact, with their currency's decimals, and never a formula."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from orchestration.evidence.csv_text import csv_bytes


def one(value, kind, **beside):
    columns = {"cell": pa.array([value], kind)} | {
        name: pa.array([each]) for name, each in beside.items()
    }
    return csv_bytes(pa.table(columns)).decode().splitlines()[1].partition(",")[0]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "-"])
def test_text_that_a_spreadsheet_would_compute_stands_behind_an_apostrophe(text):
    assert f"'{text}" == one(text, pa.string())


@pytest.mark.parametrize("text", ["plain", "a=b", "'quoted", "1", ""])
def test_other_text_stands_as_it_is(text):
    assert (text or '""') == one(text, pa.string())


def test_a_negative_amount_is_a_number_with_its_currencys_decimals():
    amount = pa.decimal128(38, 4)
    assert "-12.50" == one(Decimal("-12.5000"), amount, currency_code="USD")
    assert "-1250" == one(Decimal("-1250.0000"), amount, currency_code="JPY")
    assert "1.250" == one(Decimal("1.2500"), amount, currency_code="KWD")
    assert "0.1234" == one(Decimal("0.1234"), amount, currency_code="USD")
    assert "12.5" == one(Decimal("12.5000"), amount)


def test_every_digit_of_a_quantity_is_kept_and_no_zero_behind_them():
    quantity = pa.decimal128(38, 9)
    assert "0.000000001" == one(Decimal("0.000000001"), quantity)
    assert "12345678901234567890" == one(Decimal(12345678901234567890), quantity)


def test_instants_days_and_truth_have_one_form():
    instant = datetime(2026, 11, 2, 9, 0, 0, 5, tzinfo=UTC).replace(tzinfo=None)
    assert "2026-11-02T09:00:00.000005Z" == one(instant, pa.timestamp("us"))
    assert "2026-11-02" == one(date(2026, 11, 2), pa.date32())
    assert "true" == one(True, pa.bool_())
    assert '""' == one(None, pa.string())
