from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from orchestration.billing.canonical import (
    NotCanonicalError,
    canonical_bytes,
    decimal_text,
    instant_of,
    instant_text,
    length_prefixed,
    row_digests,
    table_digest,
)


@pytest.mark.parametrize(
    ("amount", "scale", "expected"),
    [
        ("1", 4, "1.0000"),
        ("1E+3", 2, "1000.00"),
        ("-0.00", 2, "0.00"),
        ("-0.5", 1, "-0.5"),
        ("12345678901234567890.123456789", 9, "12345678901234567890.123456789"),
        ("1.10", 1, "1.1"),
        ("7", 0, "7"),
        ("1E-9", 9, "0.000000001"),
    ],
)
def test_a_decimal_is_plain_text_with_the_scale_of_its_column(amount, scale, expected):
    assert expected == decimal_text(Decimal(amount), scale)


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "-Infinity"])
def test_a_decimal_that_does_not_fit_is_refused_and_never_rounded(amount):
    with pytest.raises(NotCanonicalError) as refused:
        decimal_text(Decimal(amount), 2)
    assert "value_not_canonical" == refused.value.code


def test_an_instant_is_utc_with_microseconds_and_reads_back_as_the_same_instant():
    instant = datetime(2026, 10, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert "2026-10-01T00:30:00.000000Z" == instant_text(instant)
    assert instant == instant_of(instant_text(instant))


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(NotCanonicalError):
        instant_text(datetime(2026, 10, 1))  # noqa: DTZ001 — the point of the test


def test_equal_content_has_equal_bytes_whatever_the_order_of_its_keys():
    one = {"b": [1, None, True], "a": {"é": date(2026, 1, 2), "d": Decimal("1.50")}}
    other = {"a": {"d": Decimal("1.50"), "é": date(2026, 1, 2)}, "b": [1, None, True]}
    expected = '{"a":{"d":"1.50","é":"2026-01-02"},"b":[1,null,true]}'.encode()
    assert expected == canonical_bytes(one)
    assert expected == canonical_bytes(other)


@pytest.mark.parametrize("content", [1.5, {"a": 0.1}, {1: "a"}, {"a": {2}}, b"x"])
def test_content_without_a_canonical_form_is_refused(content):
    with pytest.raises(NotCanonicalError):
        canonical_bytes(content)


def _table(amounts, *, chunks=1):
    column = pa.array([Decimal(amount) for amount in amounts], pa.decimal128(38, 4))
    table = pa.table(
        {
            "amount": column,
            "at": pa.array(
                [datetime(2026, 1, 1, tzinfo=UTC)] * len(amounts), pa.timestamp("us", "UTC")
            ),
        }
    )
    step = max(1, len(amounts) // chunks)
    return pa.concat_tables([table.slice(start, step) for start in range(0, len(amounts), step)])


def test_a_tables_digest_does_not_depend_on_how_it_is_cut_into_chunks():
    amounts = ["1", "2.5", "-3", "4.0001"]
    assert table_digest(_table(amounts)) == table_digest(_table(amounts, chunks=4))


def test_a_tables_digest_changes_with_a_digit_a_row_a_name_and_a_type():
    base = _table(["1", "2"])
    others = [
        _table(["1", "2.0001"]),
        _table(["2", "1"]),
        _table(["1"]),
        base.rename_columns(["value", "at"]),
        base.set_column(0, "amount", base["amount"].cast(pa.decimal128(38, 5))),
    ]
    digests = {table_digest(each) for each in [base, *others]}
    assert 6 == len(digests)


def test_a_null_is_not_an_empty_text():
    null, empty = (pa.table({"a": pa.array([each], pa.string())}) for each in (None, ""))
    assert table_digest(null) != table_digest(empty)
    assert row_digests(null) != row_digests(empty)


def test_floats_have_no_canonical_form():
    with pytest.raises(NotCanonicalError):
        table_digest(pa.table({"a": [1.5]}))


def test_length_prefixed_parts_cannot_be_shifted_into_one_another():
    assert length_prefixed({"a": "12", "b": "3"}) != length_prefixed({"a": "1", "b": "23"})
    assert length_prefixed({"a": None}) != length_prefixed({"a": ""})
