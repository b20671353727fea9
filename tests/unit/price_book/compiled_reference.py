"""Compiling a reference folder as a whole: its tables, and rows of one.

Belongs here: what tests of compiled tables share. Does not belong here: what any table holds.
"""

from typing import Any

import pyarrow as pa

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_folder import read_folder
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.validation import check_snapshot

VERSION = "0123456789abcdef"


def compiled(reference: Any) -> dict[str, pa.Table]:
    """The tables of a folder that has no errors."""
    problems = ProblemList()
    data = check_snapshot(read_folder(reference.folder, problems), problems)
    assert [] == [problem for problem in problems.sorted() if problem.severity == "error"]
    return compile_tables(data, VERSION)


def rows(table: pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a table, in the order of its rows."""
    return [tuple(row[column] for column in columns) for row in table.to_pylist()]
