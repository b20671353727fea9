"""The names that the layers of the fast path share: columns of the query between its layers.

Belongs here: naming. Does not belong here: what is computed (fast_path.py, fast_conditions.py).
"""

from collections.abc import Callable, Iterable, Sequence

from orchestration.ingest.sql_text import quoted
from orchestration.price_book.event_contracts import EventContract

ATTRIBUTES = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "datacontenttype",
)
OPTIONAL_ATTRIBUTES = ("dataschema", "datacontenttype")


def attribute(name: str) -> str:
    """Column of the JSON text of a CloudEvents attribute, null where absent or null."""
    return quoted(f"a.{name}")


def text_of(path: tuple[str, ...]) -> str:
    """Column of the JSON text of a property, null where absent or null."""
    return quoted(".".join(("j", *path)))


def number_of(path: tuple[str, ...]) -> str:
    """Column of a property as DECIMAL(38, 9), null where its text is no such number."""
    return quoted(".".join(("n", *path)))


def point_of(path: tuple[str, ...]) -> str:
    """Column of where the decimal point stands in a property's JSON text, 0 for nowhere."""
    return quoted(".".join(("p", *path)))


def holder_of(path: tuple[str, ...]) -> str:
    """Column that says whether an object of `data` (or data itself) is there as an object."""
    return quoted(".".join(("o", *path)))


def property_paths(contracts: Iterable[EventContract]) -> list[tuple[str, ...]]:
    """Return the paths of all properties, each once, sorted."""
    return sorted({item.path for one in contracts for item in one.properties})


def object_paths(contracts: Iterable[EventContract]) -> list[tuple[str, ...]]:
    """Return the paths of all objects, `data` itself first, sorted."""
    return sorted({inner.path for one in contracts for inner in one.objects} | {()})


def by_contract(
    contracts: Sequence[EventContract],
    branch: Callable[[EventContract], str],
    *,
    otherwise: str,
    number: str = "contract_number",
) -> str:
    """Return a CASE over the number of the contract that a row is read by."""
    if not contracts:
        return otherwise
    branches = " ".join(f"when {at} then {branch(one)}" for at, one in enumerate(contracts))
    return f"case {number} {branches} else {otherwise} end"


def unquoted(text: str) -> str:
    """Return SQL for the characters between the quotes of a JSON text without escapes."""
    return f"substring({text}, 2, length({text}) - 2)"


def characters_of(text: str) -> str:
    """Return SQL for the characters that a JSON text stands for."""
    return f"case when has_escape then json_extract_string({text}, '$') else {unquoted(text)} end"
