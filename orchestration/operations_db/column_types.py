"""Column types that keep instants aware and decimals exact on every database.

Belongs here: how one Python value is stored, read back and exported to Parquet.
Does not belong here: tables, which are in tables.py.
"""

from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from orchestration.failures import InputError

DECIMAL_PRECISION = 38
_EXACT = Context(prec=DECIMAL_PRECISION, traps=[])  # beyond 38 digits the result is NaN


class NaiveInstantError(InputError):
    """An instant without a time zone reached the operations database."""

    code = "naive_instant"


class UtcInstant(TypeDecorator[datetime]):
    """An instant: aware in Python, stored as UTC, to the microsecond."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into UTC.

        Raises:
            NaiveInstantError: the datetime has no zone, so its instant is unknown.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveInstantError(
                f"Store the instant {value.isoformat()} in {dialect.name}: it has no time zone. "
                "Pass an aware datetime, for example datetime.now(UTC)."
            )
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant aware, in UTC, also where the database forgot the zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that never passes through a float: NUMERIC where exact, text on SQLite.

    Attributes:
        scale: digits after the point; a value with more is refused, never rounded.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, scale: int) -> None:
        self.scale = scale
        super().__init__(DECIMAL_PRECISION, scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, whose numbers are floats; NUMERIC(38, scale) elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.Numeric(DECIMAL_PRECISION, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Check the scale and hand the value over without a float.

        Raises:
            InputError: the value is not finite or has more digits than the column keeps.
        """
        if value is None:
            return None
        exact = (
            _EXACT.quantize(value, Decimal(1).scaleb(-self.scale)) if value.is_finite() else None
        )
        if exact is None or exact.is_nan() or value != exact:
            raise InputError(
                f"Store the decimal {value}: the column keeps {self.scale} decimals of a finite "
                "number. Round it where its meaning is known, then store it.",
                code="decimal_does_not_fit",
            )
        return format(exact, "f") if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Return the decimal exactly as it was stored."""
        del dialect
        return None if value is None else Decimal(value)


def arrow_type_of(column_type: TypeEngine[Any]) -> pa.DataType:
    """Return the Parquet type of a column: instants as naive UTC, decimals as DECIMAL(38, s).

    Raises:
        TypeError: the column has a type that no export was decided for.
    """
    if isinstance(column_type, UtcInstant):
        return pa.timestamp("us")
    if isinstance(column_type, ExactDecimal):
        return pa.decimal128(DECIMAL_PRECISION, column_type.scale)
    for kind, arrow_type in (
        (sa.JSON, pa.string()),
        (sa.Boolean, pa.bool_()),
        (sa.BigInteger, pa.int64()),
        (sa.Integer, pa.int32()),
        (sa.Date, pa.date32()),
        (sa.String, pa.string()),
    ):
        if isinstance(column_type, kind):
            return arrow_type
    raise TypeError(f"No Parquet type was decided for the column type {column_type!r}.")
