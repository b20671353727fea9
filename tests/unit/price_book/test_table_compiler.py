"""What a reference compiles into: exact decimals, adjacent tiers, derived ends, stable ids."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from compiled_reference import VERSION, compiled, rows

from orchestration.price_book.table_schemas import TABLE_SCHEMAS


def test_every_table_has_exactly_its_columns_and_names_its_version(reference: Any) -> None:
    tables = compiled(reference)
    assert dict(TABLE_SCHEMAS) == {name: table.schema for name, table in tables.items()}
    assert {VERSION} == {
        version for table in tables.values() for version in table["reference_version"].to_pylist()
    }


def test_columns_that_may_not_be_null_hold_no_null(reference: Any) -> None:
    for name, table in compiled(reference).items():
        for column in table.schema:
            if not column.nullable:
                assert 0 == table[column.name].null_count, (name, column.name)


def test_the_same_files_compile_into_the_same_tables(reference: Any) -> None:
    first, second = compiled(reference), compiled(reference)
    assert first == second


def test_tiers_are_adjacent_with_an_open_last_one(reference: Any) -> None:
    tiers = compiled(reference)["charge_tiers"]
    ladder = [
        row[2:]
        for row in rows(
            tiers,
            "charge_price_id",
            "currency_code",
            "tier_number",
            "lower_quantity",
            "upper_quantity",
            "unit_price",
            "flat_amount",
        )
        if row[:2] == ("growth/growth_tokens/2026-01-01", "USD")
    ]
    assert [
        (1, Decimal(0), Decimal(10), Decimal("2.50"), Decimal(0)),
        (2, Decimal(10), Decimal(100), Decimal("2.25"), Decimal(0)),
        (3, Decimal(100), None, Decimal("2.00"), Decimal(0)),
    ] == ladder


@pytest.mark.parametrize(
    ("price", "unit_price", "flat_amount", "package_size"),
    [
        (("growth/growth_fee/2026-01-01", "JPY"), "0", "75000", None),
        (("growth/growth_calls/2026-01-01", "USD"), "1.50", "0", "1000"),
        (("growth/growth_work/2026-01-01", "USD"), "0.000000000001", "0", None),
        (("ovr_2", "USD"), "1.40", "0", None),
    ],
)
def test_every_model_is_one_open_tier_or_its_ladder(
    reference: Any,
    price: tuple[str, str],
    unit_price: str,
    flat_amount: str,
    package_size: str | None,
) -> None:
    price_id, currency = price
    found = [
        row
        for row in compiled(reference)["charge_tiers"].to_pylist()
        if (row["charge_price_id"], row["currency_code"]) == price
    ]
    assert [
        {
            "charge_price_id": price_id,
            "currency_code": currency,
            "tier_number": 1,
            "lower_quantity": Decimal(0),
            "upper_quantity": None,
            "unit_price": Decimal(unit_price),
            "flat_amount": Decimal(flat_amount),
            "package_size": None if package_size is None else Decimal(package_size),
            "dimension_match": None,
            "free_events": None,
            "free_amount": None,
            "event_bound": None,
            "is_unpriced": False,
            "reference_version": VERSION,
        }
    ] == found


EVERY_MODEL = """\
  - id: every
    charges:
      - {id: c1, product: api, meter: tokens, model: stairstep, zero_usage: skip, versions: [
          {effective_from: 2026-01-01, prices: {USD: {tiers: [
            {up_to: 10, flat_amount: 5}, {flat_amount: "7.5"}]}}}]}
      - {id: c2, product: api, meter: tokens, model: package, packages: per_tier, versions: [
          {effective_from: 2026-01-01, prices: {USD: {package_size: 10, tiers: [
            {up_to: 25, package_price: 3}, {package_price: 2, flat_amount: 1}]}}}]}
      - {id: c3, product: api, meter: tokens, model: percentage, versions: [
          {effective_from: 2026-01-01, prices: {USD: {rate: "0.029", fixed_amount: "0.30"}}}]}
      - {id: c8, product: api, meter: tokens, model: percentage, versions: [
          {effective_from: 2026-01-01, prices: {USD: {rate: "0.01", free_events: 10,
            minimum_per_event: "0.50", maximum_per_event: 5}}}]}
      - {id: c4, product: api, meter: tokens, model: graduated_percentage, versions: [
          {effective_from: 2026-01-01, prices: {USD: {tiers: [
            {up_to: 1000, rate: 0.03}, {rate: 0.02}]}}}]}
      - {id: c5, product: api, meter: tokens, model: cost_plus, versions: [
          {effective_from: 2026-01-01, prices: {USD: {multiplier: "1.000000000001"}}}]}
      - {id: c6, product: api, meter: tokens, model: dynamic, versions: [
          {effective_from: 2026-01-01, prices: {USD: {}}}]}
      - {id: c7, product: api, meter: tokens, model: dimensional, versions: [
          {effective_from: 2026-01-01, prices: {USD: {prices: [
            {match: {model: large}, unit_price: 4}], default: {unit_price: 1}}}}]}
"""


def test_every_model_compiles_into_tiers_and_keeps_its_name(reference: Any) -> None:
    reference.add("price_book/plans.yml", EVERY_MODEL)
    tables = compiled(reference)
    found = rows(
        tables["charge_tiers"],
        "charge_price_id",
        "lower_quantity",
        "upper_quantity",
        "unit_price",
        "flat_amount",
        "package_size",
    )
    assert [
        ("c1", "0", "10", "0", "5", None),
        ("c1", "10", None, "0", "7.5", None),
        ("c2", "0", "25", "3", "0", "10"),
        ("c2", "25", None, "2", "1", "10"),
        ("c3", "0", None, "0.029", "0.3", None),
        ("c4", "0", "1000", "0.03", "0", None),
        ("c4", "1000", None, "0.02", "0", None),
        ("c5", "0", None, "1.000000000001", "0", None),
        ("c6", "0", None, "1", "0", None),
        ("c7", "0", None, "4", "0", None),
        ("c7", "0", None, "1", "0", None),
        ("c8", "0", None, "0.01", "0", None),
        ("c8", "0", None, "0", "0.5", None),
        ("c8", "0", None, "0", "5", None),
    ] == [
        (price_id.split("/")[1], *(None if one is None else plain_text(one) for one in figures))
        for price_id, *figures in found
        if price_id.startswith("every/")
    ]
    matches = [
        row["dimension_match"]
        for row in tables["charge_tiers"].to_pylist()
        if row["charge_price_id"] == "every/c7/2026-01-01"
    ]
    assert ['{"model":"large"}', "{}"] == matches
    assert [(10, None), (None, "minimum"), (None, "maximum")] == [
        (row["free_events"], row["event_bound"])
        for row in tables["charge_tiers"].to_pylist()
        if row["charge_price_id"] == "every/c8/2026-01-01"
    ]
    assert [
        ("c1", "stairstep", "total"),
        ("c2", "package", "per_tier"),
        ("c3", "percentage", "total"),
        ("c4", "graduated_percentage", "total"),
        ("c5", "cost_plus", "total"),
        ("c6", "dynamic", "total"),
        ("c7", "dimensional", "total"),
        ("c8", "percentage", "total"),
    ] == [
        row
        for row in rows(tables["charges"], "charge_id", "charge_model", "package_counting")
        if row[0].startswith("c")
    ]


def plain_text(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text and number % 1 else str(int(number))


@pytest.mark.parametrize(
    ("counted", "proration"),
    [
        ("aggregation: max, window: day, window_aggregation: sum", "day"),
        ("aggregation: weighted_sum", "second"),
    ],
)
def test_seats_are_counted_by_the_day_or_weighted_by_the_second(
    reference: Any, counted: str, proration: str
) -> None:
    reference.replace(
        "price_book/meters.yml",
        "meters:\n",
        "meters:\n"
        f"  - {{id: seats, unit: seat-day, event_types: [api.call], value: tokens, {counted}}}\n",
    )
    reference.add(
        "price_book/plans.yml",
        f"""\
  - id: seated
    charges:
      - {{id: seat, product: api, meter: seats, model: seats, convert: {{unit: seat}},
          proration: {proration}, versions: [
          {{effective_from: 2026-01-01, prices: {{USD: {{unit_price: 12}}}}}}]}}
""",
    )
    assert [] == reference.problems()
    reference.replace("price_book/plans.yml", f"proration: {proration}, versions", "versions")
    assert ([] if proration == "day" else ["meter_not_for_model"]) == [
        problem.code for problem in reference.problems()
    ]


def test_a_price_of_each_event_is_refused_on_a_meter_that_allows_negatives(reference: Any) -> None:
    reference.replace(
        "price_book/meters.yml",
        "    dimensions: [model]\n",
        "    dimensions: [model]\n    is_negative_allowed: true\n",
    )
    reference.add("price_book/plans.yml", EVERY_MODEL)
    [problem] = reference.problems()
    assert "meter_not_for_model" == problem.code
    assert "charge c8" in problem.message


def test_a_more_specific_match_settles_what_two_others_leave_open(reference: Any) -> None:
    reference.replace("price_book/meters.yml", "dimensions: [model]", "dimensions: [model, status]")
    reference.add(
        "price_book/plans.yml",
        """\
  - id: settled
    charges:
      - {id: c7, product: api, meter: tokens, model: dimensional, versions: [
          {effective_from: 2026-01-01, prices: {USD: {prices: [
            {match: {model: large}, unit_price: 4},
            {match: {status: ok}, unit_price: 3},
            {match: {model: large, status: ok}, unit_price: 2}]}}}]}
""",
    )
    assert [] == reference.problems()


def test_a_number_in_yaml_or_json_never_passes_through_a_float(reference: Any) -> None:
    reference.replace("price_book/plans.yml", "2.25", "0.100000000001")
    reference.replace("tables/overrides.csv", "1.95", "0.300000000001")
    prices = set(compiled(reference)["charge_tiers"]["unit_price"].to_pylist())
    assert {Decimal("0.100000000001"), Decimal("0.300000000001")} <= prices


def test_a_charge_version_ends_where_the_next_begins(reference: Any) -> None:
    charges = compiled(reference)["charges"]
    assert [
        ("growth/growth_tokens/2026-01-01", date(2026, 1, 1), date(2026, 7, 1), None),
        ("growth/growth_tokens/2026-07-01", date(2026, 7, 1), None, "Summer list"),
    ] == [
        row
        for row in rows(
            charges, "charge_price_id", "effective_from_date", "effective_to_date", "reason"
        )
        if row[0].startswith("growth/growth_tokens")
    ]


def test_an_override_is_a_charge_row_of_its_contract(reference: Any) -> None:
    charges = compiled(reference)["charges"].to_pylist()
    override = next(row for row in charges if row["charge_price_id"] == "ovr_1")
    listed = next(
        row for row in charges if row["charge_price_id"] == "growth/growth_tokens/2026-01-01"
    )
    own = {
        "charge_price_id": "ovr_1",
        "contract_id": "con_1",
        "effective_from_date": date(2026, 3, 1),
        "effective_to_date": date(2026, 6, 1),
        "reason": None,
        "author": "ana@example.com",
    }
    assert {**listed, **own} == override


def test_the_defaults_of_a_charge_are_written_out(reference: Any) -> None:
    charges = compiled(reference)["charges"].to_pylist()
    fee = next(row for row in charges if row["charge_id"] == "growth_fee")
    tokens = next(row for row in charges if row["charge_id"] == "growth_tokens")
    calls = next(row for row in charges if row["charge_id"] == "growth_calls")
    assert ("growth_fee", None, "advance", "day", "half_away", "charge") == tuple(
        fee[name]
        for name in (
            "charge_name",
            "unit_label",
            "billing_timing",
            "proration",
            "rounding_mode",
            "zero_usage",
        )
    )
    assert (Decimal(1), Decimal(1000000), "none", 9, "1M tokens") == tuple(
        tokens[name]
        for name in (
            "convert_multiply",
            "convert_divide",
            "convert_rounding",
            "convert_decimals",
            "unit_label",
        )
    )
    assert (Decimal(100), "up", "call") == tuple(
        calls[name] for name in ("free_quantity", "package_rounding", "unit_label")
    )


def test_a_contract_version_ends_where_the_next_begins_and_the_last_is_open(reference: Any) -> None:
    versions = compiled(reference)["contract_versions"]
    assert [
        ("con_1", 1, date(2026, 1, 1), date(2026, 9, 15)),
        ("con_1", 2, date(2026, 9, 15), None),
        ("con_2", 1, date(2027, 1, 1), None),
        ("con_3", 1, date(2026, 2, 1), None),
    ] == rows(
        versions,
        "contract_id",
        "contract_version",
        "effective_from_date",
        "effective_to_date",
    )


def test_a_contract_without_lineage_begins_its_own(reference: Any) -> None:
    contracts = compiled(reference)["contracts"]
    assert [("con_1", "con_1"), ("con_2", "con_1"), ("con_3", "lin_3")] == rows(
        contracts, "contract_id", "contract_lineage_id"
    )


def test_instants_are_naive_utc(reference: Any) -> None:
    identities = compiled(reference)["identities"]
    assert pa.timestamp("us") == identities.schema.field("valid_to_at").type
    assert datetime(2026, 6, 1) == identities["valid_to_at"][0].as_py()  # noqa: DTZ001 - naive is UTC


def test_event_properties_name_their_columns_and_kinds(reference: Any) -> None:
    assert [
        ("model", "d_model", "string"),
        ("seconds", "q_seconds", "number"),
        ("status", "d_status", "string"),
        ("tokens", "q_tokens", "number"),
        ("user_id", "d_user_id", "string"),
    ] == rows(compiled(reference)["event_properties"], "property", "column_name", "property_kind")


def test_announcements_and_quiet_days_are_kept_by_the_prefix_of_their_source(
    reference: Any,
) -> None:
    tables = compiled(reference)
    announced = ("is_expected_daily", "expected_from_date", "expected_to_date", "grace_hours")
    assert [
        ("/batch/", False, None, None, 36),
        ("/gateway/", True, date(2026, 1, 1), date(2028, 1, 1), 36),
    ] == rows(tables["sources"], "source_prefix", *announced)
    assert [("/gateway/", date(2026, 12, 25), "The data centre moved", "ben@example.com")] == rows(
        tables["quiet_days"], "source_prefix", "quiet_date", "reason", "author"
    )


def test_beyond_a_last_tier_that_ends_there_is_one_without_a_price(reference: Any) -> None:
    reference.replace(
        "price_book/plans.yml", '- {unit_price: "2.00"}', "- {up_to: 200, unit_price: 2}"
    )
    rows = [
        row
        for row in compiled(reference)["charge_tiers"].to_pylist()
        if (row["charge_price_id"], row["currency_code"])
        == ("growth/growth_tokens/2026-01-01", "USD")
    ]
    assert [
        (1, Decimal(10), False),
        (2, Decimal(100), False),
        (3, Decimal(200), False),
        (4, None, True),
    ] == [(row["tier_number"], row["upper_quantity"], row["is_unpriced"]) for row in rows]
