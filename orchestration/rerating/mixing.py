"""Reference tables between two versions: first other identities, then contracts, then prices.

Belongs here: which table, and which rows of one, belong to which step. Does not belong here:
building with them (states.py).

A step never refers to what is not there: a plan, meter or product that is new comes with the
contracts that may already need it, its prices with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Tables: TypeAlias = Mapping[str, pa.Table]

IDENTITY, CONTRACT, PRICE = "identity", "contract", "price"
REFERENCE_STEPS: Final = (IDENTITY, CONTRACT, PRICE)

_OF_IDENTITY: Final = (
    *("customers", "customer_parents", "identities"),
    *("sources", "quiet_days", "control_total_measures"),
)
_OF_CONTRACT: Final = (
    "legal_entities",
    "contracts",
    "contract_versions",
    "overrides",
    "exchange_rates",
    "credit_grants",
    "credit_grant_scopes",
)
_CATALOGUE: Final = {
    "meters": ("meter_id",),
    "products": ("product_id",),
    "plans": ("plan_id",),
    "event_properties": ("event_type", "contract_version", "property"),
}
_OWNED: Final = {
    "charges": ("charge_price_id", ("charge_tiers", "charge_limits")),
    "terms": ("term_id", ("term_amounts", "term_charges")),
}


def mixed_tables(then: Tables, now: Tables, step: str) -> dict[str, pa.Table]:
    """Compiled tables as they are once a step, and those before it, took place.

    Args:
        then: every table of the version that was signed.
        now: every table of today's.
        step: one of REFERENCE_STEPS.
    """
    if step == PRICE:
        return dict(now)
    tables = dict(then) | {name: now[name] for name in _OF_IDENTITY}
    if step == IDENTITY:
        return tables
    tables |= {name: now[name] for name in _OF_CONTRACT}
    for name, names in _CATALOGUE.items():
        tables[name] = pa.concat_tables([then[name], _without(now[name], then[name], names)])
    new_plans = _without(now["plans"], then["plans"], ("plan_id",))["plan_id"]
    for name, (key, parts) in _OWNED.items():
        listed = then[name].filter(pc.is_null(then[name]["contract_id"]))
        own = now[name].filter(
            pc.or_(
                pc.is_valid(now[name]["contract_id"]),
                pc.is_in(now[name]["plan_id"], value_set=_set(new_plans)),
            )
        )
        tables[name] = pa.concat_tables([listed, own])
        for part in parts:
            tables[part] = pa.concat_tables(
                [_of(then[part], key, listed[key]), _of(now[part], key, own[key])]
            )
    return tables


def is_same(one: Tables, other: Tables) -> bool:
    """Whether two sets of tables hold the same, whatever version they name."""
    return all(_rows(one[name]).equals(_rows(other[name])) for name in one)


def _rows(table: pa.Table) -> pa.Table:
    return table.drop_columns(["reference_version"]).combine_chunks()


def _without(table: pa.Table, other: pa.Table, key: Sequence[str]) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(_text(table, key), value_set=_set(_text(other, key)))))


def _of(table: pa.Table, key: str, wanted: Any) -> pa.Table:
    return table.filter(pc.is_in(table[key], value_set=_set(wanted)))


def _text(table: pa.Table, key: Sequence[str]) -> Any:
    texts: list[Any] = [table[name] for name in key]
    return pc.binary_join_element_wise(*texts, "\x1f")


def _set(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
