"""From sound records to the tables that dbt reads, column for column as table_schemas.py says.

Belongs here: defaults, derived columns, tiers as ranges, deterministic ids.
Does not belong here: judging records (the checks); writing files (versions.py).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.grant_tables import grant_rows
from orchestration.price_book.models import Charge, Conversion, CurrencyPrice, Meter
from orchestration.price_book.moments import day_after, first_day, inner_instant, start_instant
from orchestration.price_book.price_forms import looks_at_each_event
from orchestration.price_book.reference_data import PriceBook, ReferenceData, Row
from orchestration.price_book.source_tables import source_rows
from orchestration.price_book.table_models import Contract, ContractVersion, Override
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.price_book.term_tables import term_rows
from orchestration.price_book.tiers import tier_ranges

_ONE = Decimal(1)
_EXACT_DECIMALS = 9  # what is kept when a conversion is not rounded

Record = dict[str, Any]


def compile_tables(data: ReferenceData, reference_version: str) -> dict[str, pa.Table]:
    """Every compiled table by name, rows in a fixed order, of data without errors.

    Raises:
        pa.ArrowInvalid: a value does not fit its column, which validation refuses first.
    """
    charges, tiers, limits = _charges(data)
    rows: dict[str, Sequence[Record]] = {
        **_plain_tables(data),
        **source_rows(data),
        "contract_versions": _contract_versions(data),
        "meters": _meters(data),
        "products": _products(data.book),
        "plans": [
            {"plan_id": plan.item.id, "plan_name": plan.item.name or plan.item.id}
            for plan in data.book.plans
        ],
        "charges": charges,
        "charge_tiers": tiers,
        "charge_limits": limits,
        **term_rows(data),
        "event_properties": list(_event_properties(data)),
    }
    return {
        name: _table(rows[name], schema, reference_version)
        for name, schema in TABLE_SCHEMAS.items()
    }


def _table(rows: Sequence[Record], schema: pa.Schema, reference_version: str) -> pa.Table:
    columns: list[pa.Array[Any]] = []
    for column in schema:
        cells: list[Any] = (
            [reference_version] * len(rows)
            if column.name == "reference_version"
            else [row[column.name] for row in rows]
        )
        if pa.types.is_timestamp(column.type):
            cells = [_naive(cell) for cell in cells]
        columns.append(pa.array(cells, type=column.type))
    table = pa.Table.from_arrays(columns, schema=schema)
    order: list[tuple[str, Literal["ascending", "descending"]]] = [
        (column.name, "ascending") for column in schema if not pa.types.is_nested(column.type)
    ]
    return table.sort_by(order) if rows else table


def _naive(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=None)


def _fields(rows: Sequence[Row[FrozenModel]]) -> list[Record]:
    return [dict(row.item) for row in rows]


def _plain_tables(data: ReferenceData) -> dict[str, Sequence[Record]]:
    tables = data.tables
    return {
        "legal_entities": _fields(tables.legal_entities),
        "customers": _fields(tables.customers),
        "customer_parents": _fields(tables.customer_parents),
        "identities": _fields(tables.identities),
        "contracts": [_contract(row.item) for row in tables.contracts],
        "overrides": [
            {**dict(row.item), "charge_price_id": row.item.override_id} for row in tables.overrides
        ],
        "exchange_rates": _fields(tables.exchange_rates),
        **grant_rows(tables),
    }


def _contract(contract: Contract) -> Record:
    zone, end = contract.time_zone, contract.end_date
    return {
        **dict(contract),
        "contract_lineage_id": contract.contract_lineage_id or contract.contract_id,
        "children": contract.children or "none",
        "start_date": first_day(contract.start_date, zone),
        "start_at": inner_instant(contract.start_date, zone),
        "end_date": None if end is None else day_after(end, zone),
        "end_at": inner_instant(end, zone),
    }


def _contract_versions(data: ReferenceData) -> list[Record]:
    zones = {row.item.contract_id: row.item.time_zone for row in data.tables.contracts}
    by_contract: dict[str, list[ContractVersion]] = {}
    for row in data.tables.contract_versions:
        by_contract.setdefault(row.item.contract_id, []).append(row.item)
    found = []
    for contract_id, versions in by_contract.items():
        zone = zones[contract_id]
        in_order = sorted(
            (start_instant(one.effective_from_date, zone), one.contract_version, one)
            for one in versions
        )
        ends = [*(version.effective_from_date for *_, version in in_order[1:]), None]
        for (*_, version), end in zip(in_order, ends, strict=True):
            start = version.effective_from_date
            found.append(
                {
                    **dict(version),
                    "effective_from_date": first_day(start, zone),
                    "effective_from_at": inner_instant(start, zone),
                    "effective_to_date": None if end is None else day_after(end, zone),
                }
            )
    return found


def _products(book: PriceBook) -> list[Record]:
    return [
        {
            "product_id": product.item.id,
            "product_name": product.item.name,
            "erp_item": product.item.erp_item,
            "revenue_account": product.item.revenue_account,
        }
        for product in book.products
    ]


def _meters(data: ReferenceData) -> list[Record]:
    kept = _meters_asked_by_event(data)
    return [
        _meter(meter.item, keeps_each_event=meter.item.id in kept) for meter in data.book.meters
    ]


def _meters_asked_by_event(data: ReferenceData) -> frozenset[str]:
    """Meters of which a price, listed or negotiated, looks at each event."""
    charges = {charge.item.id: charge.item for _, charge in data.book.charges}
    prices = [
        (charge.meter, price)
        for charge in charges.values()
        for version in charge.versions
        for price in version.prices.values()
    ] + [
        (charges[row.item.charge_id].meter, data.tables.override_prices[row.item.override_id])
        for row in data.tables.overrides
    ]
    return frozenset(meter for meter, price in prices if meter and looks_at_each_event(price))


def _meter(meter: Meter, *, keeps_each_event: bool) -> Record:
    is_weighted = meter.aggregation == "weighted_sum"
    definition = {
        "aggregation": meter.aggregation,
        "event_types": sorted(meter.event_types),
        "value_factors": [dict(factor) for factor in meter.value],
        "distinct_property": meter.distinct,
        "filters": [
            {
                "property": one.property,
                "is_negated": one.values_not_in is not None,
                "values": sorted(set(one.values_in or one.values_not_in or ())),
            }
            for one in meter.filters
        ],
        "dimensions": list(meter.dimensions),
        "is_negative_allowed": meter.is_negative_allowed,
        "carry_in": "previous" if is_weighted else meter.carry_in,
    }
    refined: Record = {
        "percentile": meter.percentile,
        "operation_property": meter.operation.property if meter.operation else None,
        "operation_add": sorted(set(meter.operation.add)) if meter.operation else None,
        "operation_remove": sorted(set(meter.operation.remove)) if meter.operation else None,
        "weighted_by": meter.weighted_by if is_weighted else None,
        "window_unit": meter.window,
        "window_aggregation": meter.window_aggregation,
        "empty_windows": meter.empty_windows if meter.window_aggregation == "avg" else None,
        "keeps_each_event": keeps_each_event,
    }
    # A meter that uses none of the refinements keeps the digest that it had before them.
    digested = {**definition, **{name: value for name, value in refined.items() if value}}
    return {
        "meter_id": meter.id,
        "meter_name": meter.name or meter.id,
        "unit": meter.unit,
        **definition,
        **refined,
        "definition_digest": definition_digest(digested),
    }


def definition_digest(definition: Mapping[str, Any]) -> str:
    """Hex SHA-256 of what a meter counts, which is the same for 1, "1" and 1.00, and for any name.

    A meter whose digest changes has to count its events again.
    """

    def plain(value: Any) -> str:
        if isinstance(value, Decimal):
            text = format(value, "f")
            return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
        raise TypeError(f"A meter's definition cannot hold {value!r}.")

    text = json.dumps(definition, sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _charges(data: ReferenceData) -> tuple[list[Record], list[Record], list[Record]]:
    charges: list[Record] = []
    tiers: list[Record] = []
    limits: list[Record] = []
    units = {meter.item.id: meter.item.unit for meter in data.book.meters}
    by_id: dict[str, Record] = {}
    models: dict[str, str] = {}
    for plan_id, located in data.book.charges:
        charge = located.item
        base = _charge_base(plan_id, charge, units)
        by_id[charge.id], models[charge.id] = base, charge.model
        for row, prices in _versions(base, charge):
            charges.append(row)
            for currency, price in prices.items():
                tiers += _tiers(row["charge_price_id"], currency, charge.model, price)
                limits += _limits(row["charge_price_id"], currency, price)
    for override_row in data.tables.overrides:
        override = override_row.item
        charges.append(_override(by_id[override.charge_id], override))
        price = data.tables.override_prices[override.override_id]
        model = models[override.charge_id]
        tiers += _tiers(override.override_id, override.currency_code, model, price)
        limits += _limits(override.override_id, override.currency_code, price)
    return charges, tiers, limits


def _charge_base(plan_id: str, charge: Charge, units: Mapping[str, str]) -> Record:
    convert = charge.convert or Conversion()
    decimals = convert.decimals if convert.decimals is not None else 0
    return {
        "plan_id": plan_id,
        "charge_id": charge.id,
        "charge_name": charge.name or charge.id,
        "product_id": charge.product,
        "meter_id": charge.meter,
        "charge_model": charge.model,
        "billing_timing": charge.timing,
        "contract_id": None,
        "convert_multiply": convert.multiply or _ONE,
        "convert_divide": convert.divide or _ONE,
        "convert_rounding": convert.rounding,
        "convert_decimals": _EXACT_DECIMALS if convert.rounding == "none" else decimals,
        "unit_label": convert.unit or units.get(charge.meter or ""),
        "package_rounding": charge.package_rounding or "up",
        "package_counting": charge.packages or "total",
        "free_quantity": charge.free_quantity or Decimal(0),
        "zero_usage": charge.zero_usage or "charge",
        "ladder": charge.ladder or "continue",
        "proration": charge.proration,
        "on_termination": charge.on_termination or "prorated",
        "rounding_mode": charge.rounding_mode,
    }


def charge_price_id(plan_id: str, charge_id: str, effective_from: date) -> str:
    """The id of a list price: plan/charge/first day. Ids hold no slash, so no two are alike."""
    return f"{plan_id}/{charge_id}/{effective_from.isoformat()}"


def _versions(base: Record, charge: Charge) -> Iterator[tuple[Record, Mapping[str, CurrencyPrice]]]:
    versions = sorted(charge.versions, key=lambda one: one.effective_from)
    ends = [*(version.effective_from for version in versions[1:]), None]
    for version, end in zip(versions, ends, strict=True):
        yield (
            {
                **base,
                "charge_price_id": charge_price_id(
                    base["plan_id"], charge.id, version.effective_from
                ),
                "effective_from_date": version.effective_from,
                "effective_to_date": end,
                "reason": version.reason,
                "author": version.author,
            },
            version.prices,
        )


def _override(base: Record, override: Override) -> Record:
    return {
        **base,
        "charge_price_id": override.override_id,
        "contract_id": override.contract_id,
        "effective_from_date": override.effective_from_date,
        "effective_to_date": override.effective_to_date,
        "reason": None,
        "author": override.author,
    }


def _tiers(price_id: str, currency: str, model: str, price: CurrencyPrice) -> list[Record]:
    return [
        {
            "charge_price_id": price_id,
            "currency_code": currency,
            "tier_number": tier.tier_number,
            "lower_quantity": tier.lower,
            "upper_quantity": tier.upper,
            "unit_price": tier.unit_price,
            "flat_amount": tier.flat_amount,
            "package_size": tier.package_size,
            "dimension_match": None
            if tier.dimension_match is None
            else json.dumps(dict(tier.dimension_match), separators=(",", ":"), ensure_ascii=False),
            "is_unpriced": tier.is_unpriced,
            "free_events": tier.free_events,
            "free_amount": tier.free_amount,
            "event_bound": tier.event_bound,
        }
        for tier in tier_ranges(model, price)
    ]


def _limits(price_id: str, currency: str, price: CurrencyPrice) -> list[Record]:
    if price.minimum is None and price.maximum is None:
        return []
    return [
        {
            "charge_price_id": price_id,
            "currency_code": currency,
            "minimum_amount": price.minimum,
            "maximum_amount": price.maximum,
        }
    ]


def _event_properties(data: ReferenceData) -> Iterator[Record]:
    for contract in data.event_contracts:
        for found in contract.properties:
            yield {
                "event_type": contract.event_type,
                "contract_version": contract.version,
                "property": found.name,
                "column_name": found.column_name,
                "property_kind": "number" if found.is_numeric else found.kind,
            }
