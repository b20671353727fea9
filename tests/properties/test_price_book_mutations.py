"""However a reference folder is damaged, validation tells problems and never breaks."""

import json
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_folder import FolderSnapshot, read_folder
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.price_book.validation import check_snapshot
from orchestration.price_book.yaml_reader import read_yaml

SOUND = Path(__file__).parents[1] / "unit" / "price_book" / "reference"
FILES = dict(read_folder(SOUND, ProblemList()).files)
MARKS = [
    *"{}[]:,-&*!|>'\"%@`#?\n\t 0123456789.=+\\",
    "null",
    "true",
    "1e999",
    "-0",
    "2026-02-30",
    "---",
    "<<: ",
    "\u2028",
    "\x00",
    "\U0001f4b8",
    "tiers:",
    "id: ",
    "9" * 50,
]


def check(files: dict[str, bytes]) -> None:
    """Validate; what passes without errors must compile."""
    problems = ProblemList()
    data = check_snapshot(FolderSnapshot(files), problems)
    for problem in problems.sorted():
        assert problem.line >= 1
        assert problem.message
        assert problem.remedy
    if not problems.has_errors:
        tables = compile_tables(data, "0" * 16)
        assert dict(TABLE_SCHEMAS) == {name: table.schema for name, table in tables.items()}


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(sorted(FILES)),
    start=st.floats(0, 1),
    length=st.integers(0, 12),
    inserted=st.lists(st.sampled_from(MARKS), max_size=3).map("".join),
)
def test_a_damaged_place_in_any_file_is_told_and_never_breaks(
    path: str, start: float, length: int, inserted: str
) -> None:
    text = FILES[path].decode()
    at = int(start * len(text))
    check({**FILES, path: (text[:at] + inserted + text[at + length :]).encode()})


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(sorted(FILES)), data=st.data())
def test_lines_that_are_dropped_doubled_or_moved_never_break_it(
    path: str, data: st.DataObject
) -> None:
    lines = FILES[path].decode().splitlines(keepends=True)
    picked = data.draw(st.lists(st.sampled_from(lines), max_size=len(lines) + 3))
    check({**FILES, path: "".join(picked).encode()})


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(sorted(FILES)), content=st.binary(max_size=200))
def test_any_bytes_in_place_of_a_file_never_break_it(path: str, content: bytes) -> None:
    check({**FILES, path: content})


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.sampled_from(["USD", "growth", "graduated", "2.50", "", "x" * 400, "2026-01-01", "=1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "name",
                    "tiers",
                    "prices",
                    "versions",
                    "charges",
                    "up_to",
                    "USD",
                    "value",
                    "in",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = ["meters", "products", "plans", "sources", "sign_off", "smallest_document"]


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(["price_book/plans.yml", "sources.yml", "policy.yml"]),
    content=st.dictionaries(st.sampled_from(KEYS), PLAIN, max_size=4) | PLAIN,
)
def test_any_shape_of_values_in_a_yaml_file_never_breaks_it(path: str, content: object) -> None:
    check({**FILES, path: json.dumps(content).encode()})  # YAML reads JSON


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_a_decimal_in_yaml_is_read_to_the_last_digit(number: Decimal) -> None:
    text = format(number, "f")
    document = read_yaml("a.yml", f"a: {text}", ProblemList())
    assert text == format(document.content["a"], "f")


@given(text=st.text(max_size=60))
def test_any_text_as_yaml_is_read_or_told(text: str) -> None:
    problems = ProblemList()
    document = read_yaml("a.yml", text, problems)
    assert document.is_read or problems.has_errors
