"""Tables as CSV that a person may open in a spreadsheet.

Belongs here: how a cell is written, so that equal tables give equal bytes and no cell is taken for
a formula. Does not belong here: which tables there are.

Text that begins with = + - @, a tab or a carriage return is written behind an apostrophe; numbers
are not. The Parquet file beside it holds the text as it is.
"""

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from orchestration.price_book.currencies import amount_text

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_AMOUNT_SCALE: Final = 4
_CURRENCY: Final = "currency_code"


def csv_bytes(table: pa.Table) -> bytes:
    """Write a table as CSV in UTF-8 with a header; null is an empty cell.

    Amounts have their currency's decimals, and more where they have more; other decimals no
    trailing zeros; instants are ISO 8601 in UTC with a Z.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writers = [_writer(table.schema.field(name)) for name in table.column_names]
    currency = table.column_names.index(_CURRENCY) if _CURRENCY in table.column_names else None
    for batch in table.to_batches():
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            code = None if currency is None else row[currency]
            writer.writerow(
                "" if value is None else write(value, code)
                for write, value in zip(writers, row, strict=True)
            )
    return text.getvalue().encode()


def _writer(field: "pa.Field[Any]") -> Callable[[Any, str | None], str]:
    kind = field.type
    if pa.types.is_decimal(kind):
        return _amount if kind.scale == _AMOUNT_SCALE else _decimal
    if pa.types.is_timestamp(kind):
        return _instant
    if pa.types.is_boolean(kind):
        return lambda value, _code: "true" if value else "false"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return lambda value, _code: _text(value)
    return lambda value, _code: value.isoformat() if isinstance(value, date) else str(value)


def _amount(value: Decimal, currency_code: str | None) -> str:
    return _decimal(value, None) if currency_code is None else amount_text(value, currency_code)


def _decimal(value: Decimal, _code: str | None) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _instant(value: datetime, _code: str | None) -> str:
    return f"{value.replace(tzinfo=None).isoformat()}Z"


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
