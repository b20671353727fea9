"""Four eyes over terms: which of them a revision rests on, and when a term is another one."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from billing_reference_rows import term_row
from billing_rows import VERSION, Line
from billing_world import Signer
from signing import frozen, refused

from orchestration.price_book.table_schemas import TABLE_SCHEMAS


def put(world, table, *rows, version=VERSION):
    path = world.settings.reference_versions / version / "tables" / f"{table}.parquet"
    stored = [row | {"reference_version": version} for row in rows]
    pq.write_table(pa.Table.from_pylist(stored, schema=TABLE_SCHEMAS[table]), path)


def freeze_with_term(world, **columns):
    """A revision of October of acme, who is on plan growth, in New York."""
    world.build(Line())
    put(world, "terms", term_row("own", author="olivia@example.com", **columns))
    [revision] = world.freeze()
    return revision


@pytest.mark.parametrize(
    "columns",
    [
        {"plan_id": "growth"},
        {"contract_id": "contract-acme"},
        {"contract_id": "contract-acme", "effective_from_date": date(2026, 10, 31)},
        {"contract_id": "contract-acme", "effective_to_date": date(2026, 10, 1)},
    ],
    ids=["of_the_plan", "of_the_contract", "from_the_last_day", "until_four_in_the_morning"],
)
def test_the_author_of_a_term_that_holds_in_the_period_may_not_sign(world, columns):
    revision = freeze_with_term(world, **columns)
    assert "four_eyes" == refused(world, revision.revision_id)


@pytest.mark.parametrize(
    "columns",
    [
        {"plan_id": "starter"},
        {"contract_id": "contract-bolt"},
        {"plan_id": "growth", "effective_from_date": date(2026, 11, 1)},
        {"plan_id": "growth", "effective_to_date": date(2026, 9, 30)},
    ],
    ids=["of_another_plan", "of_another_contract", "from_the_next_day", "until_the_day_before"],
)
def test_the_author_of_a_term_that_the_period_does_not_rest_on_may_sign(world, columns):
    world.sign(freeze_with_term(world, **columns).revision_id)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("term_amounts", {"currency_code": "USD", "amount": Decimal(5)}),
        ("term_charges", {"charge_id": "tokens", "charge_number": 2}),
    ],
)
def test_a_term_of_another_amount_or_charge_is_used_for_the_first_time_again(world, table, row):
    world.sign(frozen(world).revision_id)
    world.put_reference(version="ffff", authors={"term": "olivia@example.com"})
    put(world, table, {"term_id": "growth_trial", **row}, version="ffff")
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"), version="ffff")
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)


def test_a_term_that_only_moved_behind_another_is_no_first_use(world):
    world.build(Line())
    world.put_reference(authors={"term": "olivia@example.com"})
    [first] = world.freeze()
    ana = Signer(name="ana@example.com", source="verified", run_id="run-1")
    world.sign(first.revision_id, signer=ana)
    world.put_reference(version="ffff")
    moved = term_row("growth_trial", plan_id="growth", author="olivia@example.com", term_number=2)
    put(world, "terms", moved, version="ffff")
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"), version="ffff")
    [second] = world.freeze()
    world.sign(second.revision_id)


def test_a_limit_that_was_changed_makes_a_price_another_one(world):
    world.sign(frozen(world).revision_id)
    world.put_reference(version="ffff", authors={"price": "olivia@example.com"})
    limit = {
        "charge_price_id": "growth/tokens/2026-01-01",
        "currency_code": "USD",
        "maximum_amount": Decimal(50),
    }
    put(world, "charge_limits", limit, version="ffff")
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"), version="ffff")
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)
