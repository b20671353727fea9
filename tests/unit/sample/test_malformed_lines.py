"""Every kind of bad line is really bad, in the way that its name says, and in no other."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from orchestration.ingest.exact import judge_line
from orchestration.ingest.records import AcceptedEvent, Reject, TimeWindow
from orchestration.price_book import EventContracts
from orchestration.sample.malformed import LONG_LINE_BYTES, MAKERS
from orchestration.sample.rendering import plain_line, reformatted_line
from orchestration.sample.usage import Event, draw_events
from orchestration.sample.write import SAMPLE_REFERENCE, write_reference

EVENT = next(
    event for event in draw_events(1, 200, ("2026-09",)) if event.event_type == "llm.completion"
)
GOOD = json.loads(plain_line(EVENT))
CONTRACTS = {
    contract["$id"]: contract
    for path in SAMPLE_REFERENCE.glob("event_contracts/*/*.json")
    for contract in [json.loads(path.read_text(encoding="utf-8"))]
}
CONTRACT = CONTRACTS[GOOD["dataschema"]]


WINDOW = TimeWindow.around(
    datetime(2026, 11, 1, tzinfo=UTC), earliest_event_year=2000, future_tolerance_hours=24
)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> EventContracts:
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    return EventContracts.load(folder / "event_contracts")


def parsed(kind: str) -> Any:
    return json.loads(MAKERS[kind](EVENT))


def changed(kind: str) -> dict[str, Any]:
    """What the bad line says differently, attribute by attribute; None is what it lacks."""
    bad = parsed(kind)
    return {name: bad.get(name) for name in GOOD | bad if GOOD.get(name) != bad.get(name, "absent")}


def breaks_the_contract(data: Any) -> bool:
    return not jsonschema.Draft202012Validator(CONTRACT).is_valid(data)


def is_not_json(line: bytes) -> bool:
    try:
        json.loads(line, parse_constant=lambda token: pytest.fail(f"{token} is JSON to nobody"))
    except ValueError:
        return True
    return False


def is_not_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def test_the_event_that_is_spoilt_was_good() -> None:
    assert not breaks_the_contract(GOOD["data"])
    assert {"specversion", "id", "source", "type", "subject", "time", "dataschema", "data"} == set(
        GOOD
    )


ATTRIBUTE_KINDS: dict[str, dict[str, Any]] = {
    "missing_id": {"id": None},
    "empty_id": {"id": ""},
    "missing_source": {"source": None},
    "missing_type": {"type": None},
    "missing_subject": {"subject": None},
    "empty_subject": {"subject": ""},
    "missing_time": {"time": None},
    "time_without_zone": {"time": GOOD["time"].removesuffix("Z")},
    "time_unreadable": {"time": "yesterday at noon"},
    "time_far_in_the_future": {"time": "2199-01-01T00:00:00.000Z"},
    "time_far_in_the_past": {"time": "1969-12-31T23:59:59.999Z"},
    "unknown_event_type": {"type": "llm.embedding"},
    "unknown_contract_version": {
        "dataschema": "https://schemas.brightloop.example/llm.completion/9"
    },
}
DATA_KINDS = (
    "quantity_out_of_range",
    "quantity_as_text",
    "quantity_negative",
    "quantity_fractional",
    "property_missing",
    "property_not_declared",
    "property_outside_its_list",
)
LINE_KINDS: dict[str, Callable[[bytes], bool]] = {
    "broken_json": is_not_json,
    "not_an_object": lambda line: isinstance(json.loads(line), list),
    "quantity_not_a_number": lambda line: b":NaN," in line,
    "quantity_infinite": lambda line: b":Infinity," in line,
    "null_byte": lambda line: b"\x00" in line,
    "invalid_utf8": is_not_utf8,
    "duplicate_key": lambda line: line.count(b'"subject":') == 2,
    "line_too_long": lambda line: len(line) > LONG_LINE_BYTES > 1 << 20,
}


@pytest.mark.parametrize("kind", ATTRIBUTE_KINDS)
def test_one_attribute_is_wrong_and_no_other(kind: str) -> None:
    assert ATTRIBUTE_KINDS[kind] == changed(kind)


@pytest.mark.parametrize("kind", DATA_KINDS)
def test_the_data_breaks_its_contract_and_nothing_else_is_wrong(kind: str) -> None:
    assert ["data"] == list(changed(kind))
    assert breaks_the_contract(parsed(kind)["data"])


@pytest.mark.parametrize("kind", LINE_KINDS)
def test_the_line_is_wrong_as_its_kind_says(kind: str) -> None:
    assert LINE_KINDS[kind](MAKERS[kind](EVENT))


def test_every_kind_is_looked_at_here() -> None:
    assert set(MAKERS) == {*ATTRIBUTE_KINDS, *DATA_KINDS, *LINE_KINDS}


@pytest.mark.parametrize("kind", sorted(set(MAKERS) - {"invalid_utf8", "line_too_long"}))
def test_ingestion_rejects_the_line(kind: str, contracts: EventContracts) -> None:
    """Lines too long and bytes that are no text never come to be judged as lines."""
    assert isinstance(judge_line(MAKERS[kind](EVENT).decode(), contracts, WINDOW), Reject)


def test_ingestion_reads_an_event_and_its_reformatted_repeat_alike(
    contracts: EventContracts,
) -> None:
    for event in draw_events(4, 200, ("2026-10",)):
        read = [
            judge_line(line, contracts, WINDOW)
            for line in (plain_line(event), reformatted_line(event, 0), reformatted_line(event, 1))
        ]
        assert isinstance(read[0], AcceptedEvent)
        assert [read[0]] * 3 == read


@pytest.mark.parametrize("variant", [0, 1])
def test_a_reformatted_line_says_the_same(variant: int) -> None:
    for event in draw_events(3, 300, ("2026-10",)):
        plain = json.loads(plain_line(event))
        dressed = json.loads(reformatted_line(event, variant))
        for said in (plain, dressed):
            said["time"] = datetime.fromisoformat(said["time"])
        assert "application/json" == dressed.pop("datacontenttype")
        assert plain == dressed
        assert plain_line(event) != reformatted_line(event, variant)


def test_every_drawn_event_keeps_its_contract() -> None:
    contracts = {
        name: jsonschema.Draft202012Validator(contract) for name, contract in CONTRACTS.items()
    }
    first_version = "https://schemas.brightloop.example/api.request/1"
    assert [] == [
        event
        for event in draw_events(5, 2000, ("2026-09", "2026-10"))
        if not contracts[event.dataschema or first_version].is_valid(as_json(event))
    ]


def as_json(event: Event) -> Any:
    return json.loads(plain_line(event))["data"]
