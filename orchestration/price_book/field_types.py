"""The kinds of value that a reference folder holds: ids, labels, decimals, days, instants, codes.

Belongs here: turning one value of YAML, CSV, JSON or Parquet into its exact Python value, or saying
in plain words why not. Does not belong here: which field has which kind (models.py,
table_models.py).

Each refusal is a PydanticCustomError whose type is a code of problems.REMEDIES. Floats are refused
everywhere, whatever they hold.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from orchestration.price_book.currencies import minor_units

QUANTITY_DECIMALS: Final = 9
PRICE_DECIMALS: Final = 12
AMOUNT_DECIMALS: Final = 4
STORED_DIGITS: Final = 38
MAX_LABEL_LENGTH: Final = 300
_MAX_SHOWN: Final = 60
YEARS: Final = range(1970, 3000)

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,60}(\.[0-9]{0,60})?", re.ASCII)
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,9}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_NOT_PLACES: Final = frozenset({"Factory", "localtime", "posixrules", "leapseconds"})


class FrozenModel(BaseModel):
    """The base of every record of a reference folder: immutable, no field beyond those declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


@cache
def time_zone_names() -> frozenset[str]:
    """Every place or offset of the IANA time zone database."""
    return frozenset(available_timezones() - _NOT_PLACES)


def _refuse(code: str, message: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError(code, message, context)


def shown_value(value: Any) -> str:
    """A wrong value as messages show it: short text, or what kind of thing it is."""
    if isinstance(value, float):
        return "a float"
    if isinstance(value, list | tuple):
        return "a list"
    return "a mapping" if isinstance(value, dict) else str(value)[:_MAX_SHOWN]


def has_control_character(text: str) -> bool:
    """Whether a text holds tabs, line ends, other controls or lone surrogates."""
    return not text.isprintable() and any(
        unicodedata.category(character) in _CONTROLS for character in text
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        shown = "nothing" if value is None else shown_value(value)
        raise _refuse("wrong_type", "must be text in quotes, and is {shown}", shown=shown)
    if not value.strip():
        raise _refuse("wrong_value", "must not be empty")
    if len(value) > MAX_LABEL_LENGTH:
        raise _refuse("wrong_value", "must have at most {most} characters", most=MAX_LABEL_LENGTH)
    if has_control_character(value):
        raise _refuse("wrong_value", "must not hold control characters")
    if value != value.strip():
        raise _refuse("wrong_value", "must not begin or end with a space")
    return value


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise _refuse("bad_id", "cannot be '{shown}'", shown=shown_value(value))
    return value


def _country(value: Any) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise _refuse(
            "wrong_value", "must be two capital letters, and is '{shown}'", shown=shown_value(value)
        )
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str) or value not in minor_units():
        raise _refuse("unknown_currency", "cannot be '{shown}'", shown=shown_value(value))
    return value


def _time_zone(value: Any) -> str:
    if not isinstance(value, str) or value not in time_zone_names():
        raise _refuse("unknown_time_zone", "cannot be '{shown}'", shown=shown_value(value))
    return value


def exact_decimal(value: Any) -> Decimal:
    """A finite Decimal from an int, a Decimal or plain decimal text; never from a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, str) and value.rstrip().endswith("%"):
        raise _refuse("percent_sign", "cannot be '{shown}'", shown=shown_value(value))
    is_text = isinstance(value, str)
    shown = f"'{shown_value(value)}'" if is_text else shown_value(value)
    raise _refuse("not_a_number", "cannot be {shown}", shown=shown)


def decimals_of(value: Decimal) -> int:
    """How many decimals a number needs; trailing zeros need none."""
    _, digits, exponent = value.as_tuple()
    if not value or not isinstance(exponent, int):
        return 0
    trailing_zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -(exponent + trailing_zeros))


def _fitting(value: Decimal, decimals: int) -> Decimal:
    found = decimals_of(value)
    if found > decimals:
        raise _refuse(
            "too_many_decimals",
            "has {found} decimals, and {most} are kept",
            found=found,
            most=decimals,
        )
    if value.adjusted() >= STORED_DIGITS - decimals:
        raise _refuse("number_too_large", "cannot be {shown}", shown=shown_value(value))
    return value


def _quantity(value: Any) -> Decimal:
    return _fitting(exact_decimal(value), QUANTITY_DECIMALS)


def _price(value: Any) -> Decimal:
    price = _fitting(exact_decimal(value), PRICE_DECIMALS)
    if price < 0:
        raise _refuse("negative_price", "is {shown}", shown=str(price))
    return price


def _signed_amount(value: Any) -> Decimal:
    return _fitting(exact_decimal(value), AMOUNT_DECIMALS)


def _zero_or_more(value: Decimal) -> Decimal:
    if value < 0:
        raise _refuse("wrong_value", "must be zero or more, and is {shown}", shown=str(value))
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise _refuse("not_positive", "is {shown}", shown=str(value))
    return value


def _day(value: Any) -> date:
    found: object = value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = None
    if isinstance(found, datetime) or not isinstance(found, date) or found.year not in YEARS:
        raise _refuse("bad_date", "cannot be '{shown}'", shown=shown_value(value))
    return found


def _month(value: Any) -> str:
    is_month = isinstance(value, str) and _MONTH.fullmatch(value) is not None
    if not is_month or int(value[:4]) not in YEARS:
        raise _refuse(
            "wrong_value",
            "must be a month such as 2026-09, and is '{shown}'",
            shown=shown_value(value),
        )
    return str(value)


def _instant(value: Any) -> datetime:
    found: object = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
    if not isinstance(found, datetime) or found.tzinfo is None or found.year not in YEARS:
        raise _refuse("bad_instant", "cannot be '{shown}'", shown=shown_value(value))
    return found.astimezone(UTC)


def _moment(value: Any) -> date | datetime:
    if not (isinstance(value, datetime) or (isinstance(value, str) and "T" in value)):
        return _day(value)
    found = _instant(value)
    if found.microsecond:
        raise _refuse("bad_instant", "cannot be '{shown}', finer than a second", shown=str(value))
    return found


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise _refuse(
        "not_a_number", "must be a whole number, and is '{shown}'", shown=shown_value(value)
    )


def _not_empty(value: Any) -> Any:
    if value is not None and not value:
        raise _refuse("wrong_value", "must hold at least one entry")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(
            "wrong_type", "must be true or false, and is '{shown}'", shown=shown_value(value)
        )
    return value


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | Decimal) and str(value) != "":
        return str(value)
    raise _refuse(
        "wrong_type", "must be one word or number, and is '{shown}'", shown=shown_value(value)
    )


NOT_EMPTY: Final = AfterValidator(_not_empty)

_DECIMAL_SCHEMA: Final = {
    "anyOf": [{"type": "string", "pattern": r"^[-+]?[0-9]+(\.[0-9]*)?$"}, {"type": "number"}]
}
_DAY_SCHEMA: Final = {"type": "string", "format": "date"}

Text = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 300}),
]
Identifier = Annotated[
    str,
    BeforeValidator(_identifier),
    WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"}),
]
Country = Annotated[
    str,
    BeforeValidator(_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"}),
]
Currency = Annotated[
    str,
    BeforeValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code"}),
]
TimeZone = Annotated[
    str,
    BeforeValidator(_time_zone),
    WithJsonSchema({"type": "string", "description": "IANA time zone name"}),
]
PositiveQuantity = Annotated[
    Decimal, AfterValidator(_positive), BeforeValidator(_quantity), WithJsonSchema(_DECIMAL_SCHEMA)
]
QuantityFromZero = Annotated[
    Decimal,
    AfterValidator(_zero_or_more),
    BeforeValidator(_quantity),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
SignedAmount = Annotated[Decimal, BeforeValidator(_signed_amount), WithJsonSchema(_DECIMAL_SCHEMA)]
Price = Annotated[Decimal, BeforeValidator(_price), WithJsonSchema(_DECIMAL_SCHEMA)]
PositivePrice = Annotated[
    Decimal, AfterValidator(_positive), BeforeValidator(_price), WithJsonSchema(_DECIMAL_SCHEMA)
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_DAY_SCHEMA)]
Month = Annotated[
    str,
    BeforeValidator(_month),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}),
]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Moment = Annotated[
    date | datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [_DAY_SCHEMA, {"type": "string", "format": "date-time"}]}),
]
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
ScalarText = Annotated[
    str,
    BeforeValidator(_scalar_text),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
