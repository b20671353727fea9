"""What one row of each reference table may say.

Belongs here: columns, their kinds, and which may be empty. Does not belong here: rules over several
rows or tables (table_checks.py, contract_checks.py); reading CSV or Parquet (table_reader.py).
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from orchestration.price_book.field_types import (
    Country,
    Currency,
    Day,
    FrozenModel,
    Identifier,
    Instant,
    Moment,
    PositivePrice,
    PositiveQuantity,
    Price,
    Text,
    TimeZone,
    Whole,
)

BillingCadence = Literal["monthly", "quarterly", "semi_annual", "annual"]
Children = Literal["none", "separate", "pooled"]
GrantKind = Literal["promotional", "purchased"]
DrawsBy = Literal["service_date", "run"]
RestoresAfterExpiry = Literal["forfeit", "reopen"]


class LegalEntity(FrozenModel):
    """A company of the group that sends invoices."""

    legal_entity_id: Identifier
    legal_entity_name: Text
    country_code: Country
    functional_currency_code: Currency
    time_zone: TimeZone


class Customer(FrozenModel):
    """A billing account; its documents go to bill_to_customer_id, by default itself."""

    customer_id: Identifier
    customer_name: Text
    parent_customer_id: Text | None = None
    bill_to_customer_id: Text | None = None
    segment: Text | None = None
    region: Text | None = None
    erp_customer_number: Text | None = None
    crm_account_id: Text | None = None


class CustomerParent(FrozenModel):
    """Who is above a customer from an instant until an instant or for good.

    A customer with such rows has no parent but theirs, and none where no row holds.
    """

    customer_id: Text
    parent_customer_id: Text
    valid_from_at: Instant
    valid_to_at: Instant | None = None
    author: Text | None = None


class Identity(FrozenModel):
    """A customer's name in one system, from an instant until an instant or for good."""

    system_id: Identifier
    external_id: Text
    customer_id: Text
    valid_from_at: Instant
    valid_to_at: Instant | None = None
    author: Text | None = None


class Contract(FrozenModel):
    """What a customer agreed with one legal entity, in one currency and time zone.

    Days are local days of time_zone; end_date is exclusive. Either may be an instant instead.
    Usage of children without a contract of their own is billed under it unless children is none:
    each on ladders of its own (separate) or all on one (pooled).
    """

    contract_id: Identifier
    contract_lineage_id: Identifier | None = None
    customer_id: Text
    legal_entity_id: Text
    currency_code: Currency
    time_zone: TimeZone
    billing_cadence: BillingCadence
    billing_anchor_day: Annotated[Whole, Field(ge=1, le=31)]
    start_date: Moment
    end_date: Moment | None = None
    tax_profile: Text | None = None
    purchase_order: Text | None = None
    children: Children | None = None
    author: Text | None = None


class ContractVersion(FrozenModel):
    """The plan of a contract from a local day or an instant on, until the next version.

    An entity, a customer to invoice or a tax profile replaces the contract's from then on.
    """

    contract_id: Text
    contract_version: Annotated[Whole, Field(ge=1)]
    effective_from_date: Moment
    plan_id: Text
    legal_entity_id: Text | None = None
    bill_to_customer_id: Text | None = None
    tax_profile: Text | None = None
    author: Text | None = None


class Override(FrozenModel):
    """A negotiated price of one charge for one contract; effective_to_date is exclusive."""

    override_id: Identifier
    contract_id: Text
    charge_id: Text
    effective_from_date: Day
    effective_to_date: Day | None = None
    currency_code: Currency
    price_json: str = Field(description="A JSON object with the fields of a price.")
    author: Text | None = None


class ExchangeRate(FrozenModel):
    """How much of one currency one unit of another was worth on a day; for reports only."""

    rate_date: Day
    from_currency_code: Currency
    to_currency_code: Currency
    rate: PositivePrice


class CreditGrant(FrozenModel):
    """Promotional or purchased credit of a contract, in money or in units of usage.

    Its amount counts currency_code or unit, whichever is given. A lower priority number is drawn
    first; expires_on is exclusive. cost_basis is what was paid for one of the amount, in the
    contract's currency. scope names the charges and terms that it pays for, separated by blanks;
    all where it is empty. product_id is what its lines are booked as; that of the line it pays for
    where it is empty. draws_by says whether late usage draws the grants of its own days
    (service_date, where it is empty) or those of the run that bills it (run). What goes back to it
    after its last day expires at once (restores_after_expiry forfeit, or empty) or can be drawn for
    reopens_for_days more (reopen).
    """

    credit_grant_id: Identifier
    contract_id: Text
    kind: GrantKind
    amount: PositiveQuantity
    currency_code: Currency | None = None
    priority: Whole
    starts_on: Day
    expires_on: Day | None = None
    cost_basis: Price | None = None
    scope: Text | None = None
    unit: Text | None = None
    product_id: Text | None = None
    credit_grant_name: Text | None = None
    draws_by: DrawsBy | None = None
    restores_after_expiry: RestoresAfterExpiry | None = None
    reopens_for_days: Annotated[Whole, Field(ge=1, le=3660)] | None = None
    author: Text | None = None

    def scoped_ids(self) -> tuple[str, ...]:
        """Ids of the charges and terms that it pays for, as written; none means all."""
        return tuple((self.scope or "").split())


TABLE_MODELS: Final[dict[str, type[FrozenModel]]] = {
    "legal_entities": LegalEntity,
    "customers": Customer,
    "identities": Identity,
    "contracts": Contract,
    "contract_versions": ContractVersion,
    "overrides": Override,
    "exchange_rates": ExchangeRate,
    "credit_grants": CreditGrant,
    "customer_parents": CustomerParent,
}

# The tables that a reference folder may leave out; they then have no rows.
OPTIONAL_TABLES: Final = frozenset({"customer_parents"})

# The columns that together name a row of each table.
ROW_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "legal_entities": ("legal_entity_id",),
    "customers": ("customer_id",),
    "identities": ("system_id", "external_id", "valid_from_at"),
    "contracts": ("contract_id",),
    "contract_versions": ("contract_id", "contract_version"),
    "overrides": ("override_id",),
    "exchange_rates": ("rate_date", "from_currency_code", "to_currency_code"),
    "credit_grants": ("credit_grant_id",),
    "customer_parents": ("customer_id", "valid_from_at"),
}


_OPTIONAL_COLUMNS: Final[dict[str, frozenset[str]]] = {
    "contracts": frozenset({"children"}),
    "contract_versions": frozenset({"legal_entity_id", "bill_to_customer_id", "tax_profile"}),
    "credit_grants": frozenset(
        {
            *("unit", "product_id", "credit_grant_name", "author"),
            *("draws_by", "restores_after_expiry", "reopens_for_days"),
        }
    ),
}


def columns_of(table: str) -> tuple[str, ...]:
    """The columns that the file of a table may have; all but the optional ones are there.

    Raises:
        KeyError: there is no such table.
    """
    return tuple(TABLE_MODELS[table].model_fields)


def optional_columns_of(table: str) -> frozenset[str]:
    """The columns that a file may leave out altogether; its rows then have nothing there."""
    return _OPTIONAL_COLUMNS.get(table, frozenset())
