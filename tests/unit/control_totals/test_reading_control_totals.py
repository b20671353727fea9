"""Files of control totals: two forms, exact figures, and every fault with line, field, remedy."""

from datetime import date
from decimal import Decimal

import pytest

from orchestration.control_totals.reading import read_totals

MEASURES = {"/gateway/": ("events", "bytes"), "/batch/": ("events",)}
TODAY = date(2026, 11, 2)
HEADER = "source_prefix,usage_date,measure,quantity"


def read(text, file_format="csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return read_totals(content, file_format, measures=MEASURES, today=TODAY)


def told(text, file_format="csv"):
    found = read(text, file_format)
    assert () == found.totals
    return [str(fault) for fault in found.faults]


def plain(found):
    assert () == found.faults
    return [
        (total.line_number, total.source_prefix, total.usage_date, total.measure, total.quantity)
        for total in found.totals
    ]


EXPECTED = [
    (2, "/gateway/", date(2026, 10, 31), "events", Decimal(12)),
    (3, "/gateway/", date(2026, 10, 31), "bytes", Decimal("-0.000000001")),
    (5, "/batch/", date(2026, 11, 2), "events", Decimal(0)),
]


def test_a_csv_file_gives_each_total_with_its_line():
    text = (
        f"{HEADER}\n/gateway/,2026-10-31,events,12\n/gateway/,2026-10-31,bytes,-0.000000001\n\n"
        "/batch/,2026-11-02,events,0\n"
    )
    assert EXPECTED == plain(read(text))
    assert EXPECTED == plain(read("\ufeff" + text.replace("\n", "\r\n")))


def test_columns_stand_in_any_order():
    text = "quantity,measure,usage_date,source_prefix\n12,events,2026-10-31,/gateway/\n"
    assert EXPECTED[:1] == plain(read(text))


def test_json_lines_are_exact_whether_a_number_or_text():
    text = (
        "\n"
        '{"source_prefix": "/gateway/", "usage_date": "2026-10-31", '
        '"measure": "events", "quantity": 12}\n'
        '{"source_prefix": "/gateway/", "usage_date": "2026-10-31", '
        '"measure": "bytes", "quantity": -0.000000001}\n'
        "\n"
        '{"source_prefix": "/batch/", "usage_date": "2026-11-02", '
        '"measure": "events", "quantity": "0"}'
    )
    assert EXPECTED == plain(read(text, "json_lines"))
    large = (
        '{"source_prefix": "/gateway/", "usage_date": "2026-10-31", "measure": "bytes", '
        '"quantity": 12345678901234567890.123456789}'
    )
    [total] = read(large, "json_lines").totals
    assert Decimal("12345678901234567890.123456789") == total.quantity


LINE = "/gateway/,2026-10-31,events,12"
WRONG = {
    "/gatway/,2026-10-31,events,12": (
        "line 2, source_prefix: no source /gatway/ states control totals",
        "sources.yml",
    ),
    "/batch/,2026-10-31,bytes,12": (
        "line 2, measure: source /batch/ states no total of bytes",
        "control_totals.measures",
    ),
    "/gateway/,2026-11-03,events,12": (
        "line 2, usage_date: 2026-11-03 has not begun",
        "once the day is over",
    ),
    "/gateway/,31.10.2026,events,12": ("line 2, usage_date: cannot be", "YYYY-MM-DD"),
    "/gateway/,2026-10-31,events,1.5": ("line 2, quantity: must be a whole number", "1.5"),
    "/gateway/,2026-10-31,events,-1": ("line 2, quantity: must be a whole number", "-1"),
    '/gateway/,2026-10-31,events,"1,200"': ("line 2, quantity: cannot be", "separators"),
    "/gateway/,2026-10-31,bytes,1e3": ("line 2, quantity: cannot be", "decimal number"),
    "/gateway/,2026-10-31,bytes,0.0000000001": ("line 2, quantity: has more than 9", "Shorten"),
    f"/gateway/,2026-10-31,bytes,1{'0' * 20}": ("line 2, quantity: is too large", "Correct"),
    ",2026-10-31,events,12": ("line 2, source_prefix: must not be empty", "Correct"),
    "/gateway/,2026-10-31,events": ("line 2: has 3 fields, and the header 4", "all of them"),
    f"{LINE}\n{LINE}": ("line 3: states what line 2 states already", "Keep one"),
    '/gateway/,2026-10-31,events,"1"2': ("line 2: is no CSV", "Quote"),
}


@pytest.mark.parametrize(("lines", "expected"), WRONG.items())
def test_a_fault_names_line_and_field_and_says_what_to_do(lines, expected):
    [fault] = told(f"{HEADER}\n{lines}\n")
    for part in expected:
        assert part in fault


def test_one_fault_keeps_every_total_of_the_file_out_and_all_faults_are_told():
    faults = told(f"{HEADER}\n{LINE}\n/nobody/,2026-10-31,events,x\n/batch/,soon,events,1\n")
    assert ["line 3, quantity", "line 4, usage_date"] == [
        fault.partition(":")[0] for fault in faults
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "must be the header"),
        ("source,day,measure,quantity\n", "must be the header"),
        (f"{HEADER},{'quantity'}\n", "must be the header"),
        (f"{HEADER}\n", "the file: holds no total"),
        (b"\xff\xfe" + HEADER.encode(), "line 1: is no UTF-8"),
        (f"{HEADER}\n".encode() + b"/gateway/,2026-10-31,ev\xe9nts,1\n", "line 2: is no UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(text, expected):
    [fault] = told(text)
    assert expected in fault


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "line 1: is no JSON"),
        ("[1]", "line 1: is no object"),
        ('{"measure": "events", "measure": "bytes"}', "a key stands there twice"),
        ('{"quantity": NaN}', "NaN is no number"),
        ("9" * 5000, "line 1: is no JSON"),
    ],
)
def test_a_line_that_is_no_object_is_a_fault(line, expected):
    [fault] = told(line, "json_lines")
    assert expected in fault


def test_fields_that_are_missing_or_unknown_are_named():
    faults = told('{"source_prefix": "/batch/", "measure": "events", "qty": 1}', "json_lines")
    assert [
        "line 1, usage_date: is missing. Add it.",
        "line 1, quantity: is missing. Add it.",
    ] == faults[:2]
    assert faults[2].startswith("line 1, qty: is no field of a total")


def test_a_float_is_never_taken():
    """Text, whole numbers and decimals are exact; JSON true is none of them."""
    [fault] = told(
        '{"source_prefix": "/batch/", "usage_date": "2026-10-31", "measure": "events", '
        '"quantity": true}',
        "json_lines",
    )
    assert fault.startswith("line 1, quantity: cannot be")
