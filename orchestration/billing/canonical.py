"""One way to write a value down as bytes, so that equal content always has equal digests.

Belongs here: canonical JSON, canonical rows of Arrow tables, SHA-256 over both. Does not belong
here: what is digested and why, which is the caller's; Parquet, whose bytes change with its writer.

The form, which never changes without a new format number in what is digested:
* JSON in UTF-8 with sorted keys and no spaces; text is normalised by nobody and escaped minimally;
* a decimal is plain text with the scale of its column, never an exponent, never a negative zero;
* an instant is ISO 8601 in UTC with six decimals and a Z; a day is YYYY-MM-DD;
* a table is one JSON array per row, in the order given, after one line of columns and types.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.failures import InputError

_BATCH_ROWS = 16_384
_PIECE_BYTES = 1 << 20


class NotCanonicalError(InputError):
    """A value has no canonical form: a float, a naive instant, a decimal beyond its scale."""

    code = "value_not_canonical"


def decimal_text(amount: Decimal, scale: int) -> str:
    """Plain text of a decimal with exactly `scale` decimals.

    Raises:
        NotCanonicalError: the value is not finite, or has non-zero digits beyond the scale.
    """
    if not amount.is_finite():
        raise NotCanonicalError(
            f"Write the decimal {amount} down: it is not a finite number. Correct the figure."
        )
    sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        raise NotCanonicalError(f"Write the decimal {amount} down: it has no exponent. Correct it.")
    shift = scale + exponent
    unscaled = int("".join(map(str, digits)))
    if shift >= 0:
        unscaled *= 10**shift
    else:
        unscaled, lost = divmod(unscaled, 10**-shift)
        if lost:
            raise NotCanonicalError(
                f"Write the decimal {amount} down with {scale} decimals: digits would be lost. "
                "Round it where its meaning is known, then try again."
            )
    text = str(unscaled).rjust(scale + 1, "0")
    plain = f"{text[:-scale]}.{text[-scale:]}" if scale else text
    return f"-{plain}" if sign and unscaled else plain


def instant_text(instant: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a Z, such as 2026-10-01T00:00:00.000000Z.

    Raises:
        NotCanonicalError: the instant has no zone.
    """
    if instant.tzinfo is None:
        raise NotCanonicalError(
            f"Write the instant {instant.isoformat()} down: it has no zone. Give it one."
        )
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant_of(text: str) -> datetime:
    """The aware UTC instant that instant_text wrote.

    Raises:
        ValueError: the text is not in that form.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def canonical_bytes(content: Any) -> bytes:
    """Canonical JSON of mappings, sequences, text, integers, booleans, null, days and instants.

    A Decimal is written with the scale it carries; the caller fixes that scale (decimal_text).

    Raises:
        NotCanonicalError: the content holds a float or another type without a canonical form.
    """
    return json.dumps(
        _plain(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def canonical_digest(content: Any) -> str:
    """SHA-256, 64 hex digits, of canonical_bytes."""
    return bytes_digest(canonical_bytes(content))


def bytes_digest(content: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file, read in pieces, as 64 hexadecimal digits; None where there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as content:
            while piece := content.read(_PIECE_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def table_digest(table: pa.Table) -> str:
    """SHA-256, 64 hex digits, of a table's canonical rows, in the order they stand.

    Raises:
        NotCanonicalError: a column has a type without a canonical form.
    """
    digest = hashlib.sha256(_canonical_header(table))
    for line in _canonical_lines(table):
        digest.update(line)
    return digest.hexdigest()


def row_digests(table: pa.Table) -> list[str]:
    """SHA-256, 64 hex digits, of each row together with the names and types of its columns.

    Raises:
        NotCanonicalError: a column has a type without a canonical form.
    """
    header = hashlib.sha256(_canonical_header(table))
    digests = []
    for line in _canonical_lines(table):
        digest = header.copy()
        digest.update(line)
        digests.append(digest.hexdigest())
    return digests


def length_prefixed(parts: Mapping[str, str | None]) -> bytes:
    """Parts joined so that no two different lists of parts give the same bytes.

    Each name and text stands after its length in characters; a null part is told from an empty one.
    """
    encoded = []
    for name, text in parts.items():
        encoded.append(f"{len(name)}:{name}")
        encoded.append("-" if text is None else f"{len(text)}:{text}")
    return "".join(encoded).encode()


def _canonical_header(table: pa.Table) -> bytes:
    columns = [[name, str(table.schema.field(name).type)] for name in table.schema.names]
    return canonical_bytes(columns) + b"\n"


def _canonical_lines(table: pa.Table) -> Iterator[bytes]:
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        texts = [_canonical_column(column) for column in batch.columns]
        for row in zip(*texts, strict=True):
            yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _canonical_column(column: "pa.Array[Any]") -> list[str | int | bool | None]:
    """Values of one column, ready for JSON.

    Raises:
        NotCanonicalError: the type has no canonical form.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return list(column.to_pylist())
    if pa.types.is_decimal(kind):
        return [
            None if each is None else decimal_text(each, kind.scale) for each in column.to_pylist()
        ]
    if pa.types.is_timestamp(kind):
        return [
            None if each is None else instant_text(each.replace(tzinfo=each.tzinfo or UTC))
            for each in column.to_pylist()
        ]
    if pa.types.is_date(kind):
        return [None if each is None else each.isoformat() for each in column.to_pylist()]
    raise NotCanonicalError(
        f"Write a column of type {kind} down: it has no canonical form. Use text, integers, "
        "booleans, decimals, days or instants."
    )


def _plain(content: Any) -> Any:
    if content is None or isinstance(content, str | bool | int):
        return content
    if isinstance(content, Decimal):
        exponent = content.as_tuple().exponent
        return decimal_text(content, max(0, -exponent) if isinstance(exponent, int) else 0)
    if isinstance(content, datetime):
        return instant_text(content)
    if isinstance(content, date):
        return content.isoformat()
    if isinstance(content, Mapping):
        return _plain_mapping(content)
    if isinstance(content, list | tuple):
        return [_plain(each) for each in content]
    raise NotCanonicalError(
        f"Write a {type(content).__name__} down: it has no canonical form. Use text, integers, "
        "booleans, decimals, days, instants, mappings or sequences."
    )


def _plain_mapping(content: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(name, str) for name in content):
        raise NotCanonicalError(
            f"Write a mapping with the keys {list(content)!r} down: every key must be text."
        )
    return {name: _plain(each) for name, each in content.items()}
