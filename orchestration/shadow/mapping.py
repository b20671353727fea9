"""How the columns and names of another system's invoices are read: a small YAML beside the file.

Belongs here: its fields, reading it with every problem at once, what a customer, a charge or a kind
of theirs is looked up by. Does not belong here: rows (invoice_lines.py); finding the customer or
charge that is meant, which dbt does as of the service date.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from orchestration.failures import InputError
from orchestration.price_book.field_types import FrozenModel, Identifier, PositiveQuantity, Text
from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.refusals import add_yaml_refusals
from orchestration.price_book.table_reader import decode_text
from orchestration.price_book.yaml_reader import read_yaml

LineKind = Literal[
    "usage",
    "fee",
    "discount",
    "minimum",
    "true_up",
    "overage",
    "cap",
    "one_off",
    "credit",
    "tax",
    "payment",
]
CustomerBy = Literal["customer_id", "erp_customer_number", "identity"]
ChargeBy = Literal["charge_id", "erp_item", "product"]

CREDITS: Final = "credits"
"""Stands for the charge of credit lines that name none."""


class InvoiceMappingError(InputError):
    """A mapping of invoice lines has problems, so no file is read by it."""

    code = "invoice_mapping_invalid"

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"Read the mapping {name}: {len(problems)} problems, so nothing was loaded.\n{listed}\n"
            "Correct them and run again."
        )


class Columns(FrozenModel):
    """Which column of the file holds what; the three last ones may be left out."""

    invoice_number: Text
    customer: Text
    charge: Text
    service_start: Text
    service_end: Text
    currency: Text
    amount: Text
    quantity: Text | None = None
    unit_price: Text | None = None
    line_kind: Text | None = None


class CustomerMapping(FrozenModel):
    """What a customer in the file is looked up by, and those that are named one by one."""

    by: CustomerBy
    system: Identifier | None = None
    map: dict[str, Identifier] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_system_where_one_is_asked(self) -> "CustomerMapping":
        if (self.by == "identity") != (self.system is not None):
            raise PydanticCustomError(
                "wrong_value", "must name a `system` with `by: identity`, and only there"
            )
        return self


class ChargeTarget(FrozenModel):
    """What one charge in the file is with us.

    Attributes:
        charge: charge or contract term, by its id. erp_item, product: instead of it.
        dimensions: values by name in the meter's order, where the lines are of these only.
        quantity_factor: how many of our meter's units are one of theirs.
    """

    charge: Identifier | None = None
    erp_item: Text | None = None
    product: Identifier | None = None
    dimensions: dict[str, str | None] | None = None
    quantity_factor: PositiveQuantity = Decimal(1)

    @model_validator(mode="after")
    def _names_one_thing(self) -> "ChargeTarget":
        if [self.charge, self.erp_item, self.product].count(None) != 2:  # noqa: PLR2004 — one of 3
            raise PydanticCustomError(
                "wrong_value", "must name one of `charge`, `erp_item` and `product`"
            )
        return self


class ChargeMapping(FrozenModel):
    """What a charge in the file is looked up by, and those that are named one by one."""

    by: ChargeBy
    map: dict[str, ChargeTarget] = Field(default_factory=dict)


class KindMapping(FrozenModel):
    """Our kind of line for each of theirs, by the text of its column."""

    default: LineKind = "usage"
    map: dict[str, LineKind] = Field(default_factory=dict)


class InvoiceMapping(FrozenModel):
    """How a file of invoice lines is read.

    Attributes:
        service_end: whether the column holds the last day of service, or the day after it.
    """

    columns: Columns
    delimiter: Literal[",", ";", "tab", "|"] = ","
    decimal_mark: Literal[".", ","] = "."
    date_format: Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY"] = "YYYY-MM-DD"
    service_end: Literal["last_day", "day_after"]
    customers: CustomerMapping
    charges: ChargeMapping
    line_kinds: Annotated[KindMapping, Field(default_factory=KindMapping)]

    def customer(self, theirs: str) -> tuple[CustomerBy, str]:
        """What a customer of theirs is looked up by, and the text to look up."""
        named = self.customers.map.get(theirs)
        return (self.customers.by, theirs) if named is None else ("customer_id", named)

    def charge(self, theirs: str) -> "ChargeReference":
        """What a charge of theirs is looked up by."""
        target = self.charges.map.get(theirs)
        if target is None:
            return ChargeReference(self.charges.by, theirs, None, Decimal(1))
        by, reference = next(
            (by, text)
            for by, text in (
                ("charge_id", target.charge),
                ("erp_item", target.erp_item),
                ("product", target.product),
            )
            if text is not None
        )
        key = None
        if target.dimensions is not None:
            key = json.dumps(target.dimensions, separators=(",", ":"), ensure_ascii=False)
        return ChargeReference(by, reference, key, target.quantity_factor)

    def line_kind(self, theirs: str) -> LineKind:
        """Our kind of a line of theirs."""
        return self.line_kinds.map.get(theirs, self.line_kinds.default)


@dataclass(frozen=True)
class ChargeReference:
    """What a charge is looked up by: how, the text, dimension values as JSON text, the factor."""

    by: str
    reference: str
    dimension_key: str | None
    quantity_factor: Decimal


def read_mapping(name: str, content: bytes) -> InvoiceMapping:
    """Read a mapping.

    Args:
        name: of the file, for messages.
        content: its bytes, UTF-8.

    Raises:
        InvoiceMappingError: names every problem with its line.
    """
    problems = ProblemList()
    text = decode_text(name, content, problems)
    document = read_yaml(name, text, problems) if text is not None else None
    if document is None or not document.is_read:
        raise InvoiceMappingError(name, problems.sorted())
    try:
        mapping = InvoiceMapping.model_validate(document.content)
    except ValidationError as error:
        add_yaml_refusals(error, document, (), InvoiceMapping, problems)
        raise InvoiceMappingError(name, problems.sorted()) from error
    if problems.has_errors:
        raise InvoiceMappingError(name, problems.sorted())
    return mapping
