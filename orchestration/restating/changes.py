"""What differs between two versions of the reference data, and for which days it counts.

Belongs here: the comparison of compiled tables, column by column but for what no amount depends on.
Does not belong here: which signed cells are touched (judge.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

import pyarrow as pa

Tables: TypeAlias = Mapping[str, pa.Table]
Row: TypeAlias = dict[str, Any]

ALWAYS: Final = date(1, 1, 1)
FOR_GOOD: Final = date(9999, 12, 31)
_LABELS: Final = {
    "reference_version",
    "author",
    "reason",
    "charge_name",
    "plan_name",
    "term_name",
    "credit_grant_name",
    "product_name",
    "meter_name",
    "purchase_order",
    "term_number",
}


@dataclass(frozen=True, order=True)
class Change:
    """Something that differs.

    Attributes:
        kind: charge, contract, identity, customer, credit_grant or exchange_rate.
        object_id: which one.
        first, after: days [first, after) of service for which it counts.
        charge_id: charge or term that it is about; empty for all of a contract or customer.
        contract_id: contract that it is about; empty for every one.
        customer_id: customer that it is about; empty for every one.
        currency_code: currency whose amounts it translates; then it is about nothing else.
    """

    kind: str
    object_id: str
    first: date
    after: date
    charge_id: str = ""
    contract_id: str = ""
    customer_id: str = ""
    currency_code: str = ""


def changes_between(then: Tables, now: Tables) -> list[Change]:
    """Everything that differs in tables whose rows are compared one by one, sorted."""
    found = {
        *_charges(then, now),
        *_terms(then, now),
        *_contracts(then, now),
        *_identities(then, now),
        *_grants(then, now),
    }
    return sorted(found)


def _charges(then: Tables, now: Tables) -> Iterator[Change]:
    """Prices with their tiers and limits; a meter or a product that changes changes its charges."""
    parts = ("charge_tiers", "charge_limits")
    products = _by_id(then, "products"), _by_id(now, "products")
    meters = _by_id(then, "meters"), _by_id(now, "meters")
    sides = []
    for tables, product, meter in zip((then, now), products, meters, strict=True):
        owned = {name: _grouped(tables[name], "charge_price_id") for name in parts}
        sides.append(
            {
                row["charge_price_id"]: (
                    row,
                    _plain(row, leave={"effective_from_date", "effective_to_date"}),
                    tuple(owned[name].get(row["charge_price_id"], ()) for name in parts),
                    product.get(row["product_id"]),
                    meter.get(row["meter_id"]),
                )
                for row in tables["charges"].to_pylist()
            }
        )
    for row, first, after in _differing(*sides):
        yield Change(
            "charge",
            row["charge_id"],
            first,
            after,
            charge_id=row["charge_id"],
            contract_id=row["contract_id"] or "",
        )


def _terms(then: Tables, now: Tables) -> Iterator[Change]:
    """Terms with amounts and covered charges: a term that changes may change what it covers."""
    sides = []
    covered: dict[str, set[str]] = {}
    for tables in (then, now):
        amounts = _grouped(tables["term_amounts"], "term_id")
        charges = _grouped(tables["term_charges"], "term_id")
        for row in tables["term_charges"].to_pylist():
            covered.setdefault(row["term_id"], set()).add(row["charge_id"])
        sides.append(
            {
                row["term_id"]: (
                    row,
                    _plain(row, leave={"effective_from_date", "effective_to_date"}),
                    amounts.get(row["term_id"], ()),
                    charges.get(row["term_id"], ()),
                )
                for row in tables["terms"].to_pylist()
            }
        )
    for row, first, after in _differing(*sides):
        for charge_id in {row["term_id"], *covered.get(row["term_id"], ())}:
            yield Change(
                "charge",
                row["term_id"],
                first,
                after,
                charge_id=charge_id,
                contract_id=row["contract_id"] or "",
            )


def _contracts(then: Tables, now: Tables) -> Iterator[Change]:
    spans = {"start_date", "end_date", "start_at", "end_at"}
    sides = [
        {
            row["contract_id"]: (
                row
                | {"effective_from_date": row["start_date"]}
                | {"effective_to_date": row["end_date"]},
                _plain(row, leave=spans),
            )
            for row in tables["contracts"].to_pylist()
        }
        for tables in (then, now)
    ]
    versions = [
        {
            (row["contract_id"], row["effective_from_date"]): (
                row,
                _plain(
                    row,
                    leave={"contract_version", "effective_to_date", "effective_to_at"},
                ),
            )
            for row in tables["contract_versions"].to_pylist()
        }
        for tables in (then, now)
    ]
    for row, first, after in (*_differing(*sides), *_differing(*versions)):
        contract_id = row["contract_id"]
        yield Change("contract", contract_id, first, after, contract_id=contract_id)


def _identities(then: Tables, now: Tables) -> Iterator[Change]:
    sides = [
        {
            (row["system_id"], row["external_id"], row["customer_id"], row["valid_from_at"]): (
                row
                | {"effective_from_date": _day(row["valid_from_at"], days=-1)}
                | {"effective_to_date": _day(row["valid_to_at"], days=2)},
            )
            for row in tables["identities"].to_pylist()
        }
        for tables in (then, now)
    ]
    for row, first, after in _differing(*sides):
        yield Change("identity", row["external_id"], first, after, customer_id=row["customer_id"])


def _grants(then: Tables, now: Tables) -> Iterator[Change]:
    """Grants with the charges that they may pay for: one that names none pays for its contract."""
    sides = []
    scopes: dict[str, set[str]] = {}
    for tables in (then, now):
        for row in tables["credit_grant_scopes"].to_pylist():
            scopes.setdefault(row["credit_grant_id"], set()).add(row["charge_id"])
        paid = _grouped(tables["credit_grant_scopes"], "credit_grant_id")
        sides.append(
            {
                row["credit_grant_id"]: (
                    row
                    | {"effective_from_date": row["starts_on"]}
                    | {"effective_to_date": row["expires_on"]},
                    _plain(row, leave={"starts_on", "expires_on"}),
                    paid.get(row["credit_grant_id"], ()),
                )
                for row in tables["credit_grants"].to_pylist()
            }
        )
    unscoped = {
        each[0]["credit_grant_id"]
        for side in sides
        for each in side.values()
        if not each[0]["is_scoped"]
    }
    for row, first, after in _differing(*sides):
        grant_id = row["credit_grant_id"]
        for charge_id in [""] if grant_id in unscoped else sorted(scopes.get(grant_id, ())):
            yield Change(
                "credit_grant",
                grant_id,
                first,
                after,
                charge_id=charge_id,
                contract_id=row["contract_id"],
            )


def _differing(
    then: Mapping[Any, tuple[Any, ...]], now: Mapping[Any, tuple[Any, ...]]
) -> Iterator[tuple[Row, date, date]]:
    """Rows that are on one side alone, or differ, with the days for which they do."""
    for key in then.keys() | now.keys():
        before, after = then.get(key), now.get(key)
        if before is None or after is None or before[1:] != after[1:]:
            for side in (before, after):
                if side is not None:
                    yield side[0], *_span(side[0])
            continue
        old, new = _span(before[0]), _span(after[0])
        for one, other in zip(old, new, strict=True):
            if one != other:
                yield after[0], min(one, other), max(one, other)


def _span(row: Row) -> tuple[date, date]:
    return row["effective_from_date"] or ALWAYS, row["effective_to_date"] or FOR_GOOD


def _by_id(tables: Tables, name: str) -> dict[Any, tuple[Any, ...]]:
    key = f"{name.removesuffix('s')}_id"
    return {row[key]: _plain(row) for row in tables[name].to_pylist()}


def _grouped(table: pa.Table, key: str) -> dict[Any, tuple[Any, ...]]:
    groups: dict[Any, list[Any]] = {}
    for row in table.to_pylist():
        groups.setdefault(row[key], []).append(_plain(row))
    return {name: tuple(sorted(rows, key=repr)) for name, rows in groups.items()}


def _plain(row: Row, *, leave: Iterable[str] = ()) -> tuple[Any, ...]:
    without = _LABELS | set(leave)
    return tuple(_hashable(value) for name, value in row.items() if name not in without)


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def _day(instant: datetime | None, *, days: int) -> date | None:
    """The UTC day of an instant, and as many days on as a local day may lie from it."""
    return None if instant is None else (instant + timedelta(days=days)).date()
