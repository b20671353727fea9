"""The exact columns of every table that a reference version compiles into.

Belongs here: names, types and nullability of compiled tables, and the file names under which dbt
reads them. Does not belong here: how a row is made (compile.py), or what a reference folder may say
(models.py).

Decimals are decimal128: quantities have 9 decimals, prices, rates and flat amounts 12. An instant
is a naive microsecond timestamp in UTC; a day is a date in the zone of its contract.
"""

from typing import Any, Final

import pyarrow as pa

from orchestration.price_book.source_tables import CONTROL_TOTAL_MEASURES

QUANTITY: Final = pa.decimal128(38, 9)
PRICE: Final = pa.decimal128(38, 12)
INSTANT: Final = pa.timestamp("us")


def _text(name: str, *, is_nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.string(), nullable=is_nullable)


def _day(name: str, *, is_nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.date32(), nullable=is_nullable)


def _typed(name: str, column_type: pa.DataType, *, is_nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, column_type, nullable=is_nullable)


_REFERENCE_VERSION: Final = _text("reference_version")

FACTOR_TYPE: Final = pa.struct(
    [
        _text("property"),
        _typed("minimum", QUANTITY, is_nullable=True),
        _typed("maximum", QUANTITY, is_nullable=True),
        _typed("round_up_to", QUANTITY, is_nullable=True),
    ]
)
FILTER_TYPE: Final = pa.struct(
    [
        _text("property"),
        _typed("is_negated", pa.bool_()),
        _typed("values", pa.list_(pa.string())),
    ]
)
LEGAL_ENTITIES: Final = pa.schema(
    [
        _text("legal_entity_id"),
        _text("legal_entity_name"),
        _text("country_code"),
        _text("functional_currency_code"),
        _text("time_zone"),
        _REFERENCE_VERSION,
    ]
)
CUSTOMERS: Final = pa.schema(
    [
        _text("customer_id"),
        _text("customer_name"),
        _text("parent_customer_id", is_nullable=True),
        _text("bill_to_customer_id", is_nullable=True),
        _text("segment", is_nullable=True),
        _text("region", is_nullable=True),
        _text("erp_customer_number", is_nullable=True),
        _text("crm_account_id", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
CUSTOMER_PARENTS: Final = pa.schema(
    [
        _text("customer_id"),
        _text("parent_customer_id"),
        _typed("valid_from_at", INSTANT),
        _typed("valid_to_at", INSTANT, is_nullable=True),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
IDENTITIES: Final = pa.schema(
    [
        _text("system_id"),
        _text("external_id"),
        _text("customer_id"),
        _typed("valid_from_at", INSTANT),
        _typed("valid_to_at", INSTANT, is_nullable=True),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
SOURCES: Final = pa.schema(
    [
        _text("source_prefix"),
        _text("system_id"),
        _typed("grace_hours", pa.int32()),
        _typed("is_expected_daily", pa.bool_()),
        _day("expected_from_date", is_nullable=True),
        _day("expected_to_date", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
QUIET_DAYS: Final = pa.schema(
    [
        _text("source_prefix"),
        _day("quiet_date"),
        _text("reason"),
        _text("author"),
        _REFERENCE_VERSION,
    ]
)
CONTRACTS: Final = pa.schema(
    [
        _text("contract_id"),
        _text("contract_lineage_id"),
        _text("customer_id"),
        _text("legal_entity_id"),
        _text("currency_code"),
        _text("time_zone"),
        _text("billing_cadence"),
        _typed("billing_anchor_day", pa.int32()),
        _day("start_date"),
        _typed("start_at", INSTANT, is_nullable=True),
        _day("end_date", is_nullable=True),
        _typed("end_at", INSTANT, is_nullable=True),
        _text("tax_profile", is_nullable=True),
        _text("purchase_order", is_nullable=True),
        _text("children"),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
CONTRACT_VERSIONS: Final = pa.schema(
    [
        _text("contract_id"),
        _typed("contract_version", pa.int32()),
        _day("effective_from_date"),
        _typed("effective_from_at", INSTANT, is_nullable=True),
        _day("effective_to_date", is_nullable=True),
        _text("plan_id"),
        _text("legal_entity_id", is_nullable=True),
        _text("bill_to_customer_id", is_nullable=True),
        _text("tax_profile", is_nullable=True),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
OVERRIDES: Final = pa.schema(
    [
        _text("override_id"),
        _text("contract_id"),
        _text("charge_id"),
        _day("effective_from_date"),
        _day("effective_to_date", is_nullable=True),
        _text("currency_code"),
        _text("charge_price_id"),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
EXCHANGE_RATES: Final = pa.schema(
    [
        _day("rate_date"),
        _text("from_currency_code"),
        _text("to_currency_code"),
        _typed("rate", PRICE),
        _REFERENCE_VERSION,
    ]
)
CREDIT_GRANTS: Final = pa.schema(
    [
        _text("credit_grant_id"),
        _text("credit_grant_name", is_nullable=True),
        _text("contract_id"),
        _text("kind"),
        _typed("amount", QUANTITY),
        _text("currency_code", is_nullable=True),
        _text("unit", is_nullable=True),
        _typed("priority", pa.int32()),
        _day("starts_on"),
        _day("expires_on", is_nullable=True),
        _typed("cost_basis", PRICE, is_nullable=True),
        _typed("is_scoped", pa.bool_()),
        _text("product_id", is_nullable=True),
        _text("draws_by"),
        _text("restores_after_expiry"),
        _typed("reopens_for_days", pa.int32(), is_nullable=True),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
CREDIT_GRANT_SCOPES: Final = pa.schema(
    [
        _text("credit_grant_id"),
        _text("charge_id"),
        _REFERENCE_VERSION,
    ]
)
METERS: Final = pa.schema(
    [
        _text("meter_id"),
        _text("meter_name"),
        _text("unit"),
        _text("aggregation"),
        _typed("event_types", pa.list_(pa.string())),
        _typed("value_factors", pa.list_(FACTOR_TYPE)),
        _text("distinct_property", is_nullable=True),
        _typed("filters", pa.list_(FILTER_TYPE)),
        _typed("dimensions", pa.list_(pa.string())),
        _typed("is_negative_allowed", pa.bool_()),
        _text("carry_in"),
        _typed("percentile", QUANTITY, is_nullable=True),
        _text("operation_property", is_nullable=True),
        _typed("operation_add", pa.list_(pa.string()), is_nullable=True),
        _typed("operation_remove", pa.list_(pa.string()), is_nullable=True),
        _text("weighted_by", is_nullable=True),
        _text("window_unit", is_nullable=True),
        _text("window_aggregation", is_nullable=True),
        _text("empty_windows", is_nullable=True),
        _typed("keeps_each_event", pa.bool_()),
        _text("definition_digest"),
        _REFERENCE_VERSION,
    ]
)
PRODUCTS: Final = pa.schema(
    [
        _text("product_id"),
        _text("product_name"),
        _text("erp_item"),
        _text("revenue_account"),
        _REFERENCE_VERSION,
    ]
)
PLANS: Final = pa.schema([_text("plan_id"), _text("plan_name"), _REFERENCE_VERSION])
CHARGES: Final = pa.schema(
    [
        _text("charge_price_id"),
        _text("plan_id"),
        _text("charge_id"),
        _text("charge_name"),
        _text("product_id"),
        _text("meter_id", is_nullable=True),
        _text("charge_model"),
        _text("billing_timing"),
        _day("effective_from_date"),
        _day("effective_to_date", is_nullable=True),
        _text("contract_id", is_nullable=True),
        _typed("convert_multiply", QUANTITY),
        _typed("convert_divide", QUANTITY),
        _text("convert_rounding"),
        _typed("convert_decimals", pa.int32()),
        _text("unit_label", is_nullable=True),
        _text("package_rounding"),
        _text("package_counting"),
        _typed("free_quantity", QUANTITY),
        _text("zero_usage"),
        _text("ladder"),
        _text("proration"),
        _text("on_termination"),
        _text("rounding_mode"),
        _text("reason", is_nullable=True),
        _text("author", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
CHARGE_TIERS: Final = pa.schema(
    [
        _text("charge_price_id"),
        _text("currency_code"),
        _typed("tier_number", pa.int32()),
        _typed("lower_quantity", QUANTITY),
        _typed("upper_quantity", QUANTITY, is_nullable=True),
        _typed("unit_price", PRICE),
        _typed("flat_amount", PRICE),
        _typed("package_size", QUANTITY, is_nullable=True),
        _text("dimension_match", is_nullable=True),
        _typed("free_events", pa.int64(), is_nullable=True),
        _typed("free_amount", QUANTITY, is_nullable=True),
        _text("event_bound", is_nullable=True),
        _typed("is_unpriced", pa.bool_()),
        _REFERENCE_VERSION,
    ]
)
CHARGE_LIMITS: Final = pa.schema(
    [
        _text("charge_price_id"),
        _text("currency_code"),
        _typed("minimum_amount", PRICE, is_nullable=True),
        _typed("maximum_amount", PRICE, is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
TERMS: Final = pa.schema(
    [
        _text("term_id"),
        _text("term_kind"),
        _text("term_name"),
        _text("plan_id", is_nullable=True),
        _text("contract_id", is_nullable=True),
        _typed("term_number", pa.int32()),
        _day("effective_from_date", is_nullable=True),
        _day("effective_to_date", is_nullable=True),
        _typed("percent", PRICE, is_nullable=True),
        _typed("quantity", QUANTITY, is_nullable=True),
        _text("proration"),
        _text("trial_unit", is_nullable=True),
        _typed("trial_length", pa.int32(), is_nullable=True),
        _text("commitment_span", is_nullable=True),
        _typed("overage_factor", PRICE, is_nullable=True),
        _typed("rollover_cap", QUANTITY, is_nullable=True),
        _typed("rollover_periods", pa.int32(), is_nullable=True),
        _text("product_id"),
        _text("author", is_nullable=True),
        _text("reason", is_nullable=True),
        _REFERENCE_VERSION,
    ]
)
TERM_AMOUNTS: Final = pa.schema(
    [
        _text("term_id"),
        _text("currency_code"),
        _typed("amount", PRICE),
        _REFERENCE_VERSION,
    ]
)
TERM_CHARGES: Final = pa.schema(
    [
        _text("term_id"),
        _text("charge_id"),
        _typed("charge_number", pa.int32()),
        _REFERENCE_VERSION,
    ]
)
EVENT_PROPERTIES: Final = pa.schema(
    [
        _text("event_type"),
        _text("contract_version"),
        _text("property"),
        _text("column_name"),
        _text("property_kind"),
        _REFERENCE_VERSION,
    ]
)

TABLE_SCHEMAS: Final[dict[str, pa.Schema]] = {
    "legal_entities": LEGAL_ENTITIES,
    "customers": CUSTOMERS,
    "customer_parents": CUSTOMER_PARENTS,
    "identities": IDENTITIES,
    "sources": SOURCES,
    "quiet_days": QUIET_DAYS,
    "control_total_measures": CONTROL_TOTAL_MEASURES,
    "contracts": CONTRACTS,
    "contract_versions": CONTRACT_VERSIONS,
    "overrides": OVERRIDES,
    "exchange_rates": EXCHANGE_RATES,
    "credit_grants": CREDIT_GRANTS,
    "credit_grant_scopes": CREDIT_GRANT_SCOPES,
    "meters": METERS,
    "products": PRODUCTS,
    "plans": PLANS,
    "charges": CHARGES,
    "charge_tiers": CHARGE_TIERS,
    "event_properties": EVENT_PROPERTIES,
    "charge_limits": CHARGE_LIMITS,
    "terms": TERMS,
    "term_amounts": TERM_AMOUNTS,
    "term_charges": TERM_CHARGES,
}

PRICE_BOOK_TABLES: Final = frozenset(
    {
        "meters",
        "products",
        "plans",
        "charges",
        "charge_tiers",
        "charge_limits",
        "event_properties",
        "terms",
        "term_amounts",
        "term_charges",
    }
)


def input_file_name(table: str) -> str:
    """The file in warehouse/inputs/ that holds a compiled table, such as price_book_meters.parquet.

    Raises:
        KeyError: no compiled table has that name.
    """
    TABLE_SCHEMAS[table]
    prefix = "price_book" if table in PRICE_BOOK_TABLES else "reference"
    return f"{prefix}_{table}.parquet"
