"""Rows of a CSV file of invoice lines as exact values, or every row that cannot be read.

Belongs here: header, fields, numbers and days of the file, which of them a line needs. Does not
belong here: what a column or name stands for (mapping.py); whose line it is, which dbt finds out.

A file with a row that cannot be read is refused as a whole: left-out rows would look like money
that only we bill. A row that can be read and not be mapped stays, with its money.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

import pyarrow as pa

from orchestration.failures import InputError
from orchestration.price_book.currencies import minor_units
from orchestration.price_book.field_types import YEARS
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.table_reader import decode_text
from orchestration.shadow.mapping import CREDITS, InvoiceMapping

_LINE_TYPES: Final[dict[str, pa.DataType]] = {
    "billing_period": pa.string(),
    "load_number": pa.int32(),
    "line_number": pa.int32(),
    "invoice_number": pa.string(),
    "their_customer": pa.string(),
    "customer_by": pa.string(),
    "customer_reference": pa.string(),
    "customer_system": pa.string(),
    "their_charge": pa.string(),
    "charge_by": pa.string(),
    "charge_reference": pa.string(),
    "dimension_key": pa.string(),
    "line_kind": pa.string(),
    "service_start_date": pa.date32(),
    "service_end_date": pa.date32(),
    "currency_code": pa.string(),
    "quantity": pa.decimal128(38, 9),
    "unit_price": pa.decimal128(38, 12),
    "amount": pa.decimal128(38, 4),
    "multiplied_amount": pa.decimal128(38, 4),
    "is_rounded": pa.bool_(),
}
LINE_SCHEMA: Final = pa.schema(_LINE_TYPES)
"""One row per line of a loaded file, as dbt reads it; docs/how-to says what each is."""

_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,60}(\.[0-9]{1,60})?", re.ASCII)
_DATES: Final = {
    "YYYY-MM-DD": re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII),
    "DD.MM.YYYY": re.compile(r"(?P<day>\d{2})\.(?P<month>\d{2})\.(?P<year>\d{4})", re.ASCII),
    "DD/MM/YYYY": re.compile(r"(?P<day>\d{2})/(?P<month>\d{2})/(?P<year>\d{4})", re.ASCII),
    "MM/DD/YYYY": re.compile(r"(?P<month>\d{2})/(?P<day>\d{2})/(?P<year>\d{4})", re.ASCII),
}
_DELIMITERS: Final = {"tab": "\t"}
_DECIMALS: Final = {"quantity": 9, "unit_price": 12, "amount": 4}
_WHOLE_DIGITS: Final = 15
_SHOWN: Final = 20
_WITHOUT_SERVICE: Final = ("tax", "payment", "credit")
_WITHOUT_QUANTITY: Final = ("discount",)
_ADDED_DIGITS: Final = 120


class InvoiceFileError(InputError):
    """A file of invoice lines has rows that cannot be read, so nothing of it is loaded.

    Attributes:
        problems: of every row, as (line, what is wrong).
    """

    code = "invoice_file_invalid"

    def __init__(self, name: str, problems: Sequence[tuple[int, str]]) -> None:
        self.problems = tuple(problems)
        lines = [f"  {name}:{line}: {text}" for line, text in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"  and {len(self.problems) - _SHOWN} more")
        listed = "\n".join(lines)
        super().__init__(
            f"Read the invoice lines {name}: {len(self.problems)} problems, so nothing was loaded."
            f"\n{listed}\nCorrect the file or its mapping and run again."
        )


class _UnreadableError(Exception):
    """A field of a row is not what it must be."""


@dataclass(frozen=True)
class _Row:
    """One row by our names of its columns; a column that the mapping leaves out is not there."""

    line: int
    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def read_invoice_lines(
    name: str, content: bytes, mapping: InvoiceMapping, *, billing_period: str, load_number: int
) -> pa.Table:
    """Read every line of a file of invoices.

    Args:
        name: of the file, for messages.
        content: its bytes, UTF-8.
        mapping: how it is read.
        billing_period: YYYY-MM, whose invoices these are.
        load_number: of the load that brought it.

    Returns:
        Rows of LINE_SCHEMA in the order of the file. The service period is half-open; quantities
        are in our meters' units.

    Raises:
        InvoiceFileError: names every row that cannot be read with its line.
    """
    problems: list[tuple[int, str]] = []
    lines: list[dict[str, Any]] = []
    for row in _rows(name, content, mapping):
        try:
            lines.append(_line(row, mapping))
        except _UnreadableError as error:
            problems.append((row.line, str(error)))
    if problems:
        raise InvoiceFileError(name, problems)
    if not lines:
        raise InvoiceFileError(name, [(1, "The file has no line below its header.")])
    load = {"billing_period": billing_period, "load_number": load_number}
    return pa.Table.from_pylist([line | load for line in lines], schema=LINE_SCHEMA)


def _rows(name: str, content: bytes, mapping: InvoiceMapping) -> list[_Row]:
    refusals = ProblemList()
    text = decode_text(name, content, refusals)
    if text is None:
        raise InvoiceFileError(name, [(each.line, each.message) for each in refusals.sorted()])
    delimiter = _DELIMITERS.get(mapping.delimiter, mapping.delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, problems = [], []
    places: dict[str, int] | None = None
    width, line = 0, 1
    try:
        for fields in reader:
            if fields and places is None:
                places, width = _places(name, fields, mapping), len(fields)
            elif fields and len(fields) != width:
                wrong = f"The row has {len(fields)} fields, and the header {width}."
                problems.append((line, wrong))
            elif fields and places is not None:
                rows.append(_Row(line, {ours: fields[at] for ours, at in places.items()}))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append((line, f"The row cannot be read: {error}."))
    if places is None:
        problems.append((1, "The file is empty."))
    if problems:
        raise InvoiceFileError(name, problems)
    return rows


def _places(name: str, header: Sequence[str], mapping: InvoiceMapping) -> dict[str, int]:
    """Where each mapped column stands; other columns of the file are not read."""
    wanted = {
        ours: theirs
        for ours, theirs in mapping.columns.model_dump().items()
        if isinstance(theirs, str)
    }
    stripped = [column.strip() for column in header]
    wrong = [
        f"Column {theirs!r} (mapped as {ours}) stands {stripped.count(theirs)} times, and must "
        f"stand once; the header has {', '.join(map(repr, stripped))}."
        for ours, theirs in wanted.items()
        if stripped.count(theirs) != 1
    ]
    if wrong:
        raise InvoiceFileError(name, [(1, text) for text in wrong])
    return {ours: stripped.index(theirs) for ours, theirs in wanted.items()}


def _line(row: _Row, mapping: InvoiceMapping) -> dict[str, Any]:
    kind = mapping.line_kind(row.text("line_kind"))
    customer_by, customer = mapping.customer(row.text("customer"))
    their_charge = row.text("charge")
    charge = mapping.charge(their_charge)
    if kind == "credit" and not their_charge:
        charge_by, reference = "charge_id", CREDITS
    else:
        charge_by, reference = charge.by, charge.reference
    currency = row.text("currency")
    if currency not in minor_units():
        raise _UnreadableError(f"currency {currency!r} is no ISO 4217 code with a minor unit.")
    start, end = _service(row, kind, mapping)
    quantity = _number(row, "quantity", mapping)
    unit_price = _number(row, "unit_price", mapping)
    amount = _number(row, "amount", mapping)
    if amount is None:
        raise _UnreadableError("amount is missing.")
    multiplied, is_rounded = _multiplied(quantity, unit_price, amount, minor_units()[currency])
    return {
        "line_number": row.line,
        "invoice_number": row.text("invoice_number") or _missing("invoice_number"),
        "their_customer": row.text("customer"),
        "customer_by": customer_by,
        "customer_reference": customer,
        "customer_system": mapping.customers.system if customer_by == "identity" else None,
        "their_charge": their_charge,
        "charge_by": charge_by,
        "charge_reference": reference,
        "dimension_key": charge.dimension_key,
        "line_kind": kind,
        "service_start_date": start,
        "service_end_date": end,
        "currency_code": currency,
        "quantity": None
        if quantity is None or kind in _WITHOUT_QUANTITY
        else _in_our_unit(quantity, charge.quantity_factor),
        "unit_price": unit_price,
        "amount": amount,
        "multiplied_amount": multiplied,
        "is_rounded": is_rounded,
    }


def _missing(name: str) -> str:
    raise _UnreadableError(f"{name} is missing.")


def _service(row: _Row, kind: str, mapping: InvoiceMapping) -> tuple[date | None, date | None]:
    """First day of service and the day after the last; both or neither for what needs none."""
    start = _day(row, "service_start", mapping)
    end = _day(row, "service_end", mapping)
    if start is None and end is None and kind in _WITHOUT_SERVICE:
        return None, None
    if start is None or end is None:
        raise _UnreadableError(
            f"{'service_start' if start is None else 'service_end'} is missing, and a line of kind "
            f"{kind} needs both."
        )
    after = end + timedelta(days=1) if mapping.service_end == "last_day" else end
    if after <= start:
        raise _UnreadableError(f"service_end {end} lies before the end of {start}.")
    return start, after


def _day(row: _Row, name: str, mapping: InvoiceMapping) -> date | None:
    text = row.text(name)
    if not text:
        return None
    found = _DATES[mapping.date_format].fullmatch(text)
    try:
        day = date(**{part: int(digits) for part, digits in found.groupdict().items()})  # type: ignore[union-attr] # caught
    except (AttributeError, ValueError):
        day = None
    if day is None or day.year not in YEARS:
        raise _UnreadableError(f"{name} {text!r} is no day written {mapping.date_format}.")
    return day


def _number(row: _Row, name: str, mapping: InvoiceMapping) -> Decimal | None:
    text = row.text(name)
    if not text:
        return None
    plain = text
    if mapping.decimal_mark == ",":
        plain = "?" if "." in text else text.replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        raise _UnreadableError(
            f"{name} {text!r} is no plain number with {mapping.decimal_mark!r} as decimal mark "
            "and without thousands separators."
        )
    number = Decimal(plain)
    most = _DECIMALS[name]
    with localcontext(prec=_ADDED_DIGITS):
        if number != number.quantize(Decimal(1).scaleb(-most)):
            raise _UnreadableError(f"{name} {text!r} has more than {most} decimals.")
    if abs(number) >= Decimal(10) ** _WHOLE_DIGITS:
        raise _UnreadableError(f"{name} {text!r} has more than {_WHOLE_DIGITS} digits before them.")
    return number


def _in_our_unit(quantity: Decimal, factor: Decimal) -> Decimal:
    with localcontext(prec=_ADDED_DIGITS):
        product = quantity * factor
        exact = product.quantize(Decimal(1).scaleb(-_DECIMALS["quantity"]))
        if exact != product or abs(exact) >= Decimal(10) ** (_WHOLE_DIGITS + 5):
            raise _UnreadableError(
                f"quantity {quantity} times the quantity_factor {factor} has more than 9 decimals "
                "or 20 digits before them."
            )
    return exact


def _multiplied(
    quantity: Decimal | None, unit_price: Decimal | None, amount: Decimal, minor_unit: int
) -> tuple[Decimal, bool]:
    """What quantity times unit price comes to, and whether the amount may have been rounded.

    A unit price that was itself rounded to the decimals it is written with may come to the amount;
    then the amount stands.
    """
    if quantity is None or unit_price is None:
        return amount, True
    with localcontext(prec=_ADDED_DIGITS):
        step = Decimal(1).scaleb(-minor_unit)
        exponent = unit_price.as_tuple().exponent
        of_price = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
        product = quantity * unit_price
        if abs(product - amount) <= (abs(quantity) * of_price + step) / 2:
            return amount, product != amount
        rounded = product.quantize(step, ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** (_WHOLE_DIGITS + 5):
            raise _UnreadableError(
                f"quantity {quantity} times unit price {unit_price} is too large."
            )
        return rounded, rounded != product
