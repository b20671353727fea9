"""The scanner accepts only what the exact path accepts, with the same rows to the last bit."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestration.ingest.digests import hashes_of
from orchestration.ingest.exact import judge_line
from orchestration.ingest.instants import EPOCH
from orchestration.ingest.line_files import LINE_SCHEMA
from orchestration.ingest.records import AcceptedEvent, TimeWindow
from orchestration.ingest.scan import LineScanner
from orchestration.price_book.event_contracts import EventContracts

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WINDOW = TimeWindow.around(NOW, earliest_event_year=2000, future_tolerance_hours=24)
SCHEMAS = {
    "open.kind": {
        "$id": "https://example.com/open/1",
        "type": "object",
        "properties": {
            "units": {"type": "number", "minimum": -1000},
            "label": {"type": "string", "minLength": 1, "maxLength": 6},
            "flag": {"type": "boolean"},
            "nested": {
                "type": "object",
                "properties": {"count": {"type": "integer"}, "units": {"type": "number"}},
                "required": ["count"],
            },
        },
        "required": ["units"],
    },
    "closed.kind": {
        "$id": "https://example.com/closed/1",
        "type": "object",
        "properties": {
            "units": {"type": "string", "enum": ["a", "é", "1", "true"]},
            "code": {"type": ["string", "null"], "pattern": "^[a-z]+$"},
            "level": {"type": "number", "exclusiveMaximum": 1000000},
        },
        "required": ["level"],
        "additionalProperties": False,
    },
    "edge.kind": {
        "$id": "https://example.com/edge/1",
        "type": "object",
        "properties": {
            "units": {"type": "number", "exclusiveMinimum": 1234.567891234},
            "label": {"type": "string", "enum": []},
            "wide": {"type": "number", "maximum": 10**30, "minimum": -(10**30)},
        },
    },
}


@pytest.fixture(scope="module")
def contracts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contracts")
    for event_type, schema in SCHEMAS.items():
        (folder / event_type).mkdir()
        (folder / event_type / "1.json").write_text(json.dumps(schema))
    return EventContracts.load(folder)


def scanned(contracts, lines, window=WINDOW):
    """Return the scanner's rows by line number, and the numbers of the lines that it left aside."""
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([1] * len(lines), pa.int32()),
            pa.array(range(len(lines)), pa.int64()),
            pa.array([f"{line}\n" for line in lines], pa.string()),
        ],
        schema=LINE_SCHEMA,
    )
    found = LineScanner(contracts, window).scan(batch)
    found.events.validate(full=True)
    rows = {row["line_number"]: row for row in found.events.to_pylist()}
    return rows, set(found.left_aside.tolist())


def exact_row(event, contracts):
    """Return what raw/events would hold of an event, but for its place."""
    event_at = EPOCH + timedelta(microseconds=event.epoch_microseconds)
    return {
        "event_source": event.event_source,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "contract_version": event.contract_version,
        "subject": event.subject,
        "event_at": event_at.replace(tzinfo=None),
        "event_at_nanos": event.nanoseconds,
        "event_date": event_at.date(),
        **dict(zip(("key_hash", "digest_1", "digest_2"), hashes_of(event), strict=True)),
        **{name: event.properties.get(name) for name in contracts.property_columns()},
    }


def assert_scanner_is_exact(contracts, lines):
    """Every line is taken as the exact rules take it, or left aside; return how many are taken."""
    rows, left_aside = scanned(contracts, lines)
    assert set(range(len(lines))) == rows.keys() | left_aside
    assert set() == rows.keys() & left_aside
    for number, row in rows.items():
        verdict = judge_line(lines[number], contracts, WINDOW)
        assert isinstance(verdict, AcceptedEvent), (lines[number], verdict)
        wanted = exact_row(verdict, contracts)
        assert wanted == {name: row[name] for name in wanted}, lines[number]
    return len(rows)


NUMBERS = st.one_of(
    st.integers(-(10**20), 10**31).map(str),
    st.decimals(-(10**12), 10**12, places=9).map(lambda one: format(one, "f")),
    st.decimals(-(10**7), 10**7, places=3).map(lambda one: format(one, "f")),
    st.floats(allow_nan=True, allow_infinity=True).map(json.dumps),
    st.from_regex(r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["1.0", "0.0", "-0", "-0.0", "1e5", "1E-3", "15e-1", "0.001", "5e-9", "1e400"]),
)
TEXTS = st.one_of(
    st.sampled_from(["a", "é", "1", "true", "", " ", "ab", "\x7f", "😀", "x\\y", 'q"q', "e\u0301"]),
    st.text(max_size=8),
)
JSON_TEXTS = st.builds(
    lambda text, is_ascii: json.dumps(text, ensure_ascii=is_ascii), TEXTS, st.booleans()
).filter(lambda text: "\\ud" not in text or json.loads(text).isprintable())
SCALARS = st.one_of(
    NUMBERS,
    JSON_TEXTS,
    st.sampled_from(["true", "false", "null", "{}", "[]", '{"a":1}', '{"a":1,"a":2}', "[NaN]"]),
    NUMBERS.map(lambda text: f'"{text}"'),
)
TIMES = st.one_of(
    st.datetimes(datetime(1999, 6, 1), datetime(2027, 6, 1)).map(  # noqa: DTZ001 - text follows
        lambda one: f'"{one.isoformat()}Z"'
    ),
    st.from_regex(
        r'"20[0-2][0-9]-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]'
        r'(\.[0-9]{0,11})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?"',
        fullmatch=True,
    ),
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", ":\r")])
EVENT_TYPES = st.sampled_from(["open.kind", "closed.kind"])
CHANCE = st.floats(0, 1)
ONE_OR_NONE = st.integers(0, 1)
PIECES = st.sampled_from(["", " ", ",", '"', "}", "]", "0", "1", ".", "e-1", "e5", "\\", "-"])
MUTILATIONS = st.integers(1, 3)
LOST = st.integers(0, 2)
OTHER_MEMBERS = st.sampled_from(["units", "x", "label", "level"])
TAME_NUMBERS = st.decimals(-100, 10**5, places=3).map(lambda one: format(one, "f"))
TAME_TEXTS = st.sampled_from(['"a"', '"é"', '"abc"'])
TAME_UNITS = st.sampled_from(['"a"', '"é"'])
TAME_CODES = st.sampled_from(['"ab"', "null"])
TAME_COUNTS = st.integers(0, 99).map(str)
TAME_FLAGS = st.sampled_from(["true", "false"])


def written(members, separators):
    comma, colon = separators
    return "{" + comma.join(f'"{name}"{colon}{value}' for name, value in members) + "}"


@st.composite
def events(draw, wildness):
    """Lines around a good event; the wilder, the more of it is wrong."""
    separators = draw(SEPARATORS)

    def is_wild():
        return wildness > 0 and draw(CHANCE) < wildness

    def either(tame, wild):
        return draw(wild) if is_wild() else draw(tame)

    def usually(tame, wild):
        return draw(wild) if is_wild() else tame

    event_type = draw(EVENT_TYPES)
    if event_type == "open.kind":
        data = [("units", either(TAME_NUMBERS, SCALARS))]
        data += [("label", either(TAME_TEXTS, SCALARS))] if draw(st.booleans()) else []
        data += [("flag", either(TAME_FLAGS, SCALARS))][: draw(ONE_OR_NONE)]
        if draw(st.booleans()):
            inner = [("count", either(TAME_COUNTS, SCALARS))]
            inner += [("units", either(TAME_NUMBERS, SCALARS))][: draw(ONE_OR_NONE)]
            data.append(("nested", usually(written(inner, separators), SCALARS)))
    else:
        data = [("level", either(TAME_NUMBERS, SCALARS))]
        data += [("units", either(TAME_UNITS, SCALARS))][: draw(ONE_OR_NONE)]
        data += [("code", either(TAME_CODES, SCALARS))][: draw(ONE_OR_NONE)]
    if is_wild():
        data.append((draw(OTHER_MEMBERS), draw(SCALARS)))
    members = [
        ("specversion", usually('"1.0"', SCALARS)),
        ("id", either(JSON_TEXTS, SCALARS)),
        ("source", usually('"/s"', JSON_TEXTS)),
        ("type", f'"{event_type}"'),
        ("subject", usually('"tenant é"', SCALARS)),
        ("time", usually('"2026-10-31T23:59:59.123456789+02:00"', TIMES)),
        ("data", usually(written(data, separators), SCALARS)),
    ]
    optional = [
        ("dataschema", st.just(f'"https://example.com/{event_type.split(".")[0]}/1"')),
        ("datacontenttype", st.just('"application/json"')),
        ("traceparent", SCALARS),
        ("id", st.just('"again"')),
    ]
    members += [(name, draw(content)) for name, content in optional if is_wild()]
    if draw(st.booleans()):
        members = draw(st.permutations(members))
    return written(members, separators)


@st.composite
def mutilated(draw):
    """A good line with a few characters lost, doubled or changed."""
    line = draw(events(0.05))
    for _ in range(draw(MUTILATIONS)):
        at = draw(st.integers(0, len(line)))
        line = line[:at] + draw(PIECES) + line[at + draw(LOST) :]
    return line


SPEED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@given(st.lists(events(0.0), min_size=20, max_size=40))
@SPEED
def test_good_lines_are_taken_by_the_scanner_with_the_exact_rows(contracts, lines):
    assert_scanner_is_exact(contracts, lines)


@given(st.lists(st.one_of(events(0.1), events(0.3)), min_size=20, max_size=60))
@SPEED
def test_whatever_the_scanner_takes_of_wild_lines_the_exact_path_takes_alike(contracts, lines):
    assert_scanner_is_exact(contracts, lines)


@given(st.lists(mutilated(), min_size=20, max_size=60))
@SPEED
def test_whatever_the_scanner_takes_of_mutilated_lines_the_exact_path_takes_alike(contracts, lines):
    assert_scanner_is_exact(contracts, lines)


@given(st.lists(NUMBERS, min_size=50, max_size=100))
@example(["1e-9", "0.1", "1e5", "12345678901234567890", "1234567890.000000001"])
@SPEED
def test_no_number_is_taken_by_the_scanner_with_another_value(contracts, numbers):
    lines = [good_line(f'{{"units":{one}}}') for one in numbers]
    # a repeated key of just the length by which an exponent grows must not hide behind it
    lines += [good_line(f'{{"units":{one},"x":1}}') for one in numbers]
    lines += [good_line(f'{{"units":{one},"units":1}}') for one in numbers]
    assert_scanner_is_exact(contracts, lines)


@given(st.lists(TIMES, min_size=50, max_size=100))
@SPEED
def test_no_time_is_taken_by_the_scanner_as_another_instant(contracts, times):
    lines = [good_line('{"units":1}').replace('"2026-10-31T00:00:00Z"', one) for one in times]
    assert_scanner_is_exact(contracts, lines)


def test_no_mutant_of_a_usual_time_is_taken_as_another_instant(contracts):
    times = set()
    for fraction in ("", ".123", ".123456"):
        usual = f"2026-10-31T23:59:59{fraction}Z"
        digits = [at for at, one in enumerate(usual) if one.isdigit()]
        for first, second in itertools.combinations(digits, 2):
            for one, other in itertools.product("0 +-.9", repeat=2):
                mutant = list(usual)
                mutant[first], mutant[second] = one, other
                times.add("".join(mutant))
    lines = [good_line('{"units":1}').replace("2026-10-31T00:00:00Z", one) for one in sorted(times)]
    assert 100 < assert_scanner_is_exact(contracts, lines) < len(lines)


def good_line(data):
    return (
        '{"specversion":"1.0","id":"i","source":"/s","type":"open.kind","subject":"t",'
        f'"time":"2026-10-31T00:00:00Z","data":{data}}}'
    )


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_ordinary_lines_never_need_the_exact_path(contracts, separators):
    data = [
        {"units": 1.5},
        {"units": 2, "label": "eu"},
        {"units": 0.001, "flag": True},
        {"units": 12.0, "nested": {"count": 3}},
        {"units": 7, "unknown": "x"},
        {"units": 7, "label": "é"},
    ]
    lines = [
        json.dumps({**json.loads(good_line("{}")), **extra, "data": one}, separators=separators)
        for one in data
        for extra in (
            {},
            {"traceparent": "00-ab"},
            {"datacontenttype": "application/json"},
            {"time": "2026-10-31T00:00:00.123456+00:00"},
            {"dataschema": "https://example.com/open/1"},
        )
    ]
    assert len(lines) == assert_scanner_is_exact(contracts, lines)


def test_the_sum_of_one_thousand_tenths_is_exact(contracts):
    rows, _ = scanned(contracts, [good_line('{"units":0.1}')] * 1000)
    assert Decimal(100) == sum(row["q_units"] for row in rows.values())


def test_bounds_and_choices_at_the_edge_of_what_a_contract_can_say(contracts):
    data = [f'{{"units":1234.56789123{last}}}' for last in (3, 4, 5)]
    data += ['{"label":"x"}', '{"label":""}', '{"wide":1}', '{"wide":-999999999999999999}', "{}"]
    lines = [good_line(one).replace("open.kind", "edge.kind") for one in data]

    assert 4 == assert_scanner_is_exact(contracts, lines)


@pytest.mark.parametrize("year", ["1677", "1678", "2261", "2262", "9999"])
def test_an_instant_whose_nanoseconds_fit_no_word_is_left_to_the_exact_rules(contracts, year):
    window = TimeWindow(-(10**16), 10**18)
    line = good_line('{"units":1}').replace("2026-", f"{year}-")

    rows, left_aside = scanned(contracts, [line], window)

    wanted = exact_row(judge_line(line, contracts, window), contracts)
    is_far = year in {"2262", "9999"}
    assert ({0} if is_far else set()) == left_aside
    assert ([] if is_far else [wanted]) == [
        {name: row[name] for name in wanted} for row in rows.values()
    ]
