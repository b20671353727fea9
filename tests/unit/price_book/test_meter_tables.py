"""What meters compile into, and what their digests follow."""

from decimal import Decimal
from typing import Any

import pytest
from compiled_reference import compiled, rows

from orchestration.price_book.table_compiler import definition_digest


def test_a_meter_keeps_each_event_that_a_price_looks_at(reference: Any) -> None:
    def kept() -> set[str]:
        meters = compiled(reference)["meters"]
        return {name for name, is_kept in rows(meters, "meter_id", "keeps_each_event") if is_kept}

    reference.add(
        "price_book/plans.yml",
        """\
  - id: cards
    charges:
      - {id: fee, product: api, meter: work, model: percentage, versions: [
          {effective_from: 2026-01-01, prices: {USD: {rate: "0.029"}}}]}
""",
    )
    reference.replace(
        "tables/contract_versions.csv", "con_2,1,2027-01-01,growth", "con_2,1,2027-01-01,cards"
    )
    assert set() == kept()
    reference.add(
        "tables/overrides.csv",
        'ovr_9,con_2,fee,2027-01-01,,USD,"{""rate"": ""0.02"", ""free_events"": 3}",\n',
    )
    assert {"work"} == kept()
    reference.replace(
        "price_book/plans.yml", "meter: work, model: percentage", "meter: tokens, model: percentage"
    )
    assert {"tokens"} == kept()


def test_a_meter_is_written_with_its_factors_and_filters(reference: Any) -> None:
    meters = {row["meter_id"]: row for row in compiled(reference)["meters"].to_pylist()}
    assert [{"property": "status", "is_negated": True, "values": ["failed"]}] == meters["calls"][
        "filters"
    ]
    assert [
        {"property": "tokens", "minimum": None, "maximum": None, "round_up_to": None},
        {
            "property": "seconds",
            "minimum": Decimal("0.1"),
            "maximum": Decimal(900),
            "round_up_to": Decimal("0.1"),
        },
    ] == meters["work"]["value_factors"]
    assert ("user_id", "zero") == (
        meters["users"]["distinct_property"],
        meters["users"]["carry_in"],
    )


def test_a_meter_that_uses_nothing_new_keeps_its_digest_so_that_nothing_is_counted_again(
    reference: Any,
) -> None:
    digests = rows(compiled(reference)["meters"], "meter_id", "definition_digest")
    assert {
        "calls": "c84059341b192b84eb1c29dfe6b71afe0792fafee53037444bc7b7270126321c",
        "tokens": "77b75fe0b11814d25b459bd8cf515c4fdd71ead7c1aa1c2dc4df90a869720730",
        "users": "cdfc2988725b7c44a4247b253520f79a842d41affa722974964e374eca2a063d",
        "work": "9f132acc9347aab7e82e341c4c8a66a16db77bd702c4a09fdb90c11c91124997",
    } == dict(digests)


REFINEMENTS = (
    "percentile",
    "operation_property",
    "operation_add",
    "operation_remove",
    "weighted_by",
    "window_unit",
    "window_aggregation",
    "empty_windows",
    "carry_in",
    "keeps_each_event",
)


@pytest.mark.parametrize(
    ("given", "compiled_into"),
    [
        (
            "aggregation: percentile\n    value: tokens\n    percentile: 99.9",
            {"percentile": Decimal("99.9"), "carry_in": "zero"},
        ),
        (
            "aggregation: weighted_sum\n    value: tokens",
            {"weighted_by": "second", "carry_in": "previous"},
        ),
        (
            "aggregation: weighted_sum\n    value: tokens\n    weighted_by: period",
            {"weighted_by": "period", "carry_in": "previous"},
        ),
        (
            "aggregation: max\n    value: tokens\n    window: hour\n    window_aggregation: avg",
            {
                "window_unit": "hour",
                "window_aggregation": "avg",
                "empty_windows": "skip",
                "carry_in": "zero",
            },
        ),
        (
            """aggregation: unique_count
    distinct: user_id
    carry_in: previous
    operation: {property: status, remove: [failed], add: [ok]}""",
            {
                "operation_property": "status",
                "operation_add": ["ok"],
                "operation_remove": ["failed"],
                "carry_in": "previous",
            },
        ),
    ],
)
def test_what_refines_a_meter_is_compiled_and_changes_its_digest(
    reference: Any, given: str, compiled_into: dict[str, Any]
) -> None:
    digests = dict(rows(compiled(reference)["meters"], "meter_id", "definition_digest"))
    reference.replace("price_book/meters.yml", "aggregation: sum\n    value: tokens", given)
    meters = {row["meter_id"]: row for row in compiled(reference)["meters"].to_pylist()}
    nothing = dict.fromkeys(REFINEMENTS) | {"keeps_each_event": False}
    assert nothing | compiled_into == {name: meters["tokens"][name] for name in REFINEMENTS}
    assert {"tokens"} == {
        meter for meter, digest in digests.items() if digest != meters[meter]["definition_digest"]
    }


def test_a_meters_digest_follows_what_it_counts_and_not_its_name_or_notation(
    reference: Any,
) -> None:
    def digests() -> dict[str, str]:
        table = compiled(reference)["meters"]
        return dict(rows(table, "meter_id", "definition_digest"))

    before = digests()
    reference.replace("price_book/meters.yml", "name: Calls", "name: All calls")
    reference.replace("price_book/meters.yml", "unit: call", "unit: request")
    reference.replace("price_book/meters.yml", "maximum: 900", 'maximum: "900.000"')
    assert before == digests()
    reference.replace("price_book/meters.yml", "not_in: [failed]", "in: [failed]")
    changed = digests()
    assert {"calls"} == {meter for meter, digest in changed.items() if digest != before[meter]}


def test_a_digest_of_what_no_meter_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        definition_digest({"value": 1j})
