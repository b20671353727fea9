"""Whether everything that four eyes looks at names its author, before a signature asks for it.

Belongs here: prices, terms and rows without an author, where the policy asks for four eyes. Does
not belong here: who may sign what (billing); quiet days, whose author is required in every file.
"""

from collections.abc import Iterator
from typing import Final

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import ReferenceData
from orchestration.price_book.table_models import ROW_KEYS

# The tables whose rows a signature asks the author of.
AUTHORED_TABLES: Final = (
    "identities",
    "contracts",
    "contract_versions",
    "overrides",
    "credit_grants",
    "customer_parents",
)

_Nameless = tuple[str, str, int, str]
"""What it is, in the plural; its file, its line, and the words that name its author field."""


def check_authors(data: ReferenceData, problems: ProblemList) -> None:
    """Warn of what names no author, once per file and kind, at the first of them."""
    if data.policy is None or not data.policy.item.sign_off.four_eyes:
        return
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for kind, path, line, name in (*_prices(data), *_terms(data), *_rows(data)):
        found.setdefault((kind, path), []).append((line, name))
    for (kind, path), places in found.items():
        line, name = min(places)
        more = f"; nor is that of {len(places) - 1} more {kind} of this file" * (len(places) > 1)
        problems.add(
            "author_missing",
            path,
            line,
            f"{name}: the policy asks for four eyes, and the author is not named{more}.",
            severity="warning",
        )


def _prices(data: ReferenceData) -> Iterator[_Nameless]:
    for _, charge in data.book.charges:
        for index, version in enumerate(charge.item.versions):
            if version.author is None:
                steps = ("versions", index, "author")
                yield "prices", charge.path, charge.line(*steps), charge.name(*steps)


def _terms(data: ReferenceData) -> Iterator[_Nameless]:
    for owned in data.book.terms:
        if owned.term.item.author is None:
            yield "terms", owned.term.path, owned.term.line("author"), owned.term.name("author")


def _rows(data: ReferenceData) -> Iterator[_Nameless]:
    for table in AUTHORED_TABLES:
        for row in getattr(data.tables, table):
            if row.item.author is None:
                key = " ".join(str(getattr(row.item, column)) for column in ROW_KEYS[table])
                yield "rows", row.path, row.line, f"{table} row {key}, column author"
