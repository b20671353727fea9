"""A file of control totals as exact records, or every fault of it with line, field and remedy.

Belongs here: the two forms of a file, what a line may say. Does not belong here: which file is read
(loading.py); what a total is compared with, which is dbt's.

    source_prefix,usage_date,measure,quantity              CSV with this header, in any order
    {"source_prefix": "/gateway/", "usage_date": "2026-10-01", "measure": "events", "quantity": 9}
                                                           JSON Lines: an object a line

A file counts as a whole or not at all: a total replaces the one before, so half a file would mix
two statements.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ValidationError

from orchestration.price_book.field_types import (
    QUANTITY_DECIMALS,
    Day,
    FrozenModel,
    Identifier,
    Text,
    decimals_of,
    exact_decimal,
)
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.policy import EVENTS_MEASURE
from orchestration.price_book.problems import REMEDIES

FIELDS: Final = ("source_prefix", "usage_date", "measure", "quantity")
MOST_BYTES: Final = 16 << 20
_LARGEST: Final = Decimal(10) ** 20
_ENCODING_REMEDY: Final = "Save the file as UTF-8."


@dataclass(frozen=True)
class Fault:
    """Why a file is no file of control totals.

    Attributes:
        line_number: from 1; 0 where it is about the file.
        field: which field of the line; empty where it is about the line.
        text: what is wrong, and what to do about it.
    """

    line_number: int
    field: str
    text: str

    def __str__(self) -> str:
        place = f"line {self.line_number}" if self.line_number else "the file"
        return f"{place}{f', {self.field}' if self.field else ''}: {self.text}"


@dataclass(frozen=True)
class ControlTotal:
    """What a source says that it sent of one UTC day.

    Attributes:
        line_number: of the file, from 1.
        source_prefix: the source, as sources.yml has it.
        usage_date: the UTC day of the events' time.
        measure: `events`, or the id of a meter.
        quantity: distinct ids of events, or how much in the unit of the meter; exact.
    """

    line_number: int
    source_prefix: str
    usage_date: date
    measure: str
    quantity: Decimal

    @property
    def key(self) -> tuple[str, date, str]:
        """What a later total replaces."""
        return self.source_prefix, self.usage_date, self.measure


@dataclass(frozen=True)
class ReadTotals:
    """What a file holds: totals in the order of its lines, or its faults and no total."""

    totals: tuple[ControlTotal, ...]
    faults: tuple[Fault, ...]


class _Line(FrozenModel):
    """One line as it is written."""

    source_prefix: Text
    usage_date: Day
    measure: Identifier
    quantity: Annotated[Decimal, BeforeValidator(exact_decimal)]


def read_totals(
    content: bytes,
    file_format: Literal["csv", "json_lines"],
    *,
    measures: Mapping[str, Sequence[str]],
    today: date,
) -> ReadTotals:
    """Read a file of control totals.

    Args:
        content: its bytes.
        file_format: csv or json_lines.
        measures: by prefix of a source, the measures that sources.yml lets it state.
        today: UTC day; a total of a later one is refused.

    Returns:
        Every total, or every fault.
    """
    faults: list[Fault] = []
    totals: dict[tuple[str, date, str], ControlTotal] = {}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return ReadTotals((), (Fault(line, "", f"is no UTF-8. {_ENCODING_REMEDY}"),))
    lines = _csv_lines(text) if file_format == "csv" else _json_lines(text)
    for number, given in lines:
        if isinstance(given, Fault):
            faults.append(given)
            continue
        try:
            written = _Line.model_validate(given)
        except ValidationError as error:
            faults += _faults_of(error, number)
            continue
        total = ControlTotal(number, **dict(written))
        found = _faults_of_total(total, totals.get(total.key), measures, today)
        faults += found
        totals.setdefault(total.key, total)
    if not totals and not faults:
        faults = [Fault(0, "", "holds no total. Deliver it again, complete.")]
    return ReadTotals(() if faults else tuple(totals.values()), tuple(faults))


def _csv_lines(text: str) -> Iterator[tuple[int, dict[str, str] | Fault]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(FIELDS):
            yield (
                1,
                Fault(
                    1,
                    "",
                    f"must be the header {','.join(FIELDS)}, and is {','.join(header)[:80]!r}. "
                    "Write each of these columns once.",
                ),
            )
            return
        for cells in reader:
            number = reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                told = f"has {len(cells)} fields, and the header {len(header)}. Write all of them."
                yield number, Fault(number, "", told)
            else:
                yield number, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        number = reader.line_num
        told = f"is no CSV ({error}). Quote fields that hold quotes."
        yield number, Fault(number, "", told)


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | Fault]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(
                line,
                parse_float=Decimal,
                parse_constant=_refuse_constant,
                object_pairs_hook=_without_repeats,
            )
        except (ValueError, RecursionError) as error:
            yield number, Fault(number, "", f"is no JSON ({error}). Write one object a line.")
            continue
        if isinstance(found, dict):
            yield number, found
        else:
            yield number, Fault(number, "", "is no object. Write one object a line.")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _faults_of(error: ValidationError, number: int) -> Iterator[Fault]:
    for detail in error.errors(include_url=False):
        field = str(detail["loc"][0]) if detail["loc"] else ""
        kind = detail["type"]
        if kind == "missing":
            yield Fault(number, field, "is missing. Add it.")
        elif kind == "extra_forbidden":
            near = or_nearest(field, FIELDS)
            yield Fault(number, field, f"is no field of a total{near}. Remove it.")
        else:
            yield Fault(number, field, f"{detail['msg']}. {_remedy(kind)}")


def _remedy(kind: str) -> str:
    known = {"wrong_value", "wrong_type"}  # whose remedies are about the reference folder
    return "Correct it." if kind in known else REMEDIES.get(kind, "Correct it.")


def _faults_of_total(
    total: ControlTotal,
    earlier: ControlTotal | None,
    measures: Mapping[str, Sequence[str]],
    today: date,
) -> Iterator[Fault]:
    number = total.line_number
    if total.source_prefix not in measures:
        near = or_nearest(total.source_prefix, measures)
        yield Fault(
            number,
            "source_prefix",
            f"no source {total.source_prefix} states control totals{near}. Correct the prefix, or "
            "add control_totals to the source in sources.yml and load the reference folder.",
        )
    elif total.measure not in measures[total.source_prefix]:
        near = or_nearest(total.measure, measures[total.source_prefix])
        yield Fault(
            number,
            "measure",
            f"source {total.source_prefix} states no total of {total.measure}{near}. Correct the "
            "measure, or add it to control_totals.measures of the source in sources.yml.",
        )
    if total.usage_date > today:
        yield Fault(
            number,
            "usage_date",
            f"{total.usage_date} has not begun in UTC. Deliver the total once the day is over.",
        )
    yield from _faults_of_quantity(total)
    if earlier is not None:
        yield Fault(
            number,
            "",
            f"states what line {earlier.line_number} states already: {total.measure} of "
            f"{total.source_prefix} on {total.usage_date}. Keep one of them.",
        )


def _faults_of_quantity(total: ControlTotal) -> Iterator[Fault]:
    quantity = total.quantity
    if decimals_of(quantity) > QUANTITY_DECIMALS:
        told = f"has more than {QUANTITY_DECIMALS} decimals. Shorten it."
    elif abs(quantity) >= _LARGEST:
        told = "is too large: a quantity has up to 20 digits before the point. Correct it."
    elif total.measure == EVENTS_MEASURE and (quantity < 0 or quantity != int(quantity)):
        told = f"must be a whole number of events, and is {quantity}. Correct it."
    else:
        return
    yield Fault(total.line_number, "quantity", told)
