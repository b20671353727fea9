"""Every kind of bad line is rejected with its code, kept verbatim, and stops nothing else."""

import json

import pytest

GOOD_ID = "good"


def wrong_lines(landing):
    """Return, by reject code, lines that must be rejected with it."""
    return wrong_envelopes(landing) | wrong_data(landing)


def wrong_envelopes(landing):
    line, event = landing.line, landing.event
    return {
        "broken_json": [
            '{"id":1',
            "{}}",
            "'x'",
            line() + ",",
            line()[:-1] + ",}",
            "\ufeff" + line(),
        ],
        "not_an_object": ["[]", "5", "null", '"x"', "[" + line() + "]"],
        "duplicate_key": [
            line()[:-1] + ',"id":"e-2"}',
            line().replace('"units":2.5', '"units":2.5,"units":3'),
            line().replace('"units":2.5', '"units":2.5,"x":{"a":1,"a":2}'),
            line()[:-1] + ',"\\u0069d":"e-2"}',
        ],
        "unknown_specversion": [line(specversion="0.3"), line(specversion=None)],
        "missing_id": [line(id=None), json.dumps({**event(), "id": None})],
        "missing_source": [line(source=None)],
        "missing_type": [line(type=None)],
        "missing_subject": [line(subject=None)],
        "missing_time": [line(time=None)],
        "missing_data": [line(data=None), json.dumps({**event(data=None), "data_base64": "AA=="})],
        "empty_id": [line(id=""), line(id="  ")],
        "empty_source": [line(source="")],
        "empty_type": [line(type="")],
        "empty_subject": [line(subject="\t")],
        "empty_time": [line(time="")],
        "wrong_type_id": [line(id=5), line(id=["x"])],
        "wrong_type_source": [line(source=True)],
        "wrong_type_subject": [line(subject={"a": "b"})],
        "wrong_type_time": [line(time=1_700_000_000)],
        "wrong_type_data": [line(data=[1]), line(data="x"), line(data=5)],
        "content_type_not_supported": [line(datacontenttype="text/csv")],
        "time_without_zone": [line(time="2026-10-31T23:59:59"), line(time="2026-10-31T23:59:59.5")],
        "time_unreadable": [
            line(time="31.10.2026 23:59"),
            line(time="2026-02-30T00:00:00Z"),
            line(time="2026-10-31 23:59:59Z"),
            line(time="2026-10-31T24:00:00Z"),
            line(time="2026-10-31T23:59:59+5:00"),
            line(time="2026-10-31T23:59:59.1234567891Z"),
            line(time="2026-10-31T12:00:60Z"),
        ],
        "time_too_old": [line(time="1999-12-31T23:59:59Z"), line(time="0001-01-01T00:00:00Z")],
        "time_in_future": [line(time="2026-11-22T12:00:01Z"), line(time="9999-12-31T23:59:59Z")],
        "unknown_contract": [
            line(type="api.other"),
            line(dataschema="https://example.com/api.request/2"),
            line(dataschema=5),
        ],
    }


def wrong_data(landing):
    line = landing.line
    units = lambda text: line().replace('"units":2.5', f'"units":{text}')  # noqa: E731 - a table
    return {
        "property_missing": [line(data={}), line(data={"region": "eu"})],
        "property_wrong_type": [
            units('"2.5"'),
            units("true"),
            units("null"),
            units("[1]"),
            line(data={"units": 1, "region": 5}),
        ],
        "property_out_of_range": [units("-1")],
        "number_not_finite": [units("NaN"), units("Infinity"), units("-Infinity")],
        "number_too_large": [
            units("1e400"),
            units("1" + 29 * "0"),
            units("1e999999999999999999999"),
        ],
        "number_too_precise": [
            units("0.1234567891"),
            units("1e-10"),
            units("0.10000000000000000000000001"),
            units("1e-30"),
            units("1000000000000000000001e-21"),
        ],
        "null_byte": ['{"id":"a\0b"}', line(id="a\0b"), line(data={"units": 1, "region": "\0"})],
    }


def all_codes():
    return sorted(wrong_lines(_Words))


class _Words:
    """Stands in for the fixture where only the codes are wanted."""

    @staticmethod
    def event(**changes):
        return {"id": "e", **changes}

    @staticmethod
    def line(**changes):
        return json.dumps({"data": {"units": 2.5}, **changes}, separators=(",", ":"))


@pytest.mark.parametrize("code", all_codes())
def test_a_bad_line_is_rejected_with_its_code_and_kept_verbatim(landing, code):
    """Invariant 1."""
    bad = wrong_lines(landing)[code]
    landing.put("a.jsonl", "\n".join([*bad, landing.line(id=GOOD_ID)]))
    result = landing.load()
    rejects = landing.rows("rejects")
    assert [code] * len(bad) == [row["reject_code"] for row in rejects]
    assert [one.encode() for one in bad] == [row["raw_bytes"] for row in rejects]
    assert list(range(1, len(bad) + 1)) == [row["line_number"] for row in rejects]
    assert [GOOD_ID] == [row["event_id"] for row in landing.rows("events")]
    assert (len(bad) + 1, 1, len(bad)) == (
        result.lines_read,
        result.lines_accepted,
        result.lines_rejected,
    )


def test_a_reject_names_the_field_the_remedy_and_what_could_be_read(landing):
    landing.put("a.jsonl", landing.line(data={"units": "many"}))
    landing.load()
    (reject,) = landing.rows("rejects")
    assert '"data.units" is "many". Send a number.' == reject["reject_detail"]
    assert ("/gateway/eu", "e-1", "api.request", "tenant-1") == (
        reject["event_source"],
        reject["event_id"],
        reject["event_type"],
        reject["subject"],
    )


def test_a_line_that_is_not_utf8_is_kept_byte_by_byte_and_shown_escaped(landing):
    bad = landing.line(subject="M\xfcller").encode("latin-1").replace(b"\\u00fc", b"\xfc")
    landing.put("a.jsonl", bad + b"\n" + landing.line().encode())
    landing.load()
    (reject,) = landing.rows("rejects")
    assert ("invalid_utf8", bad) == (reject["reject_code"], reject["raw_bytes"])
    assert "M\\xfcller" in reject["raw_text"]
    assert 1 == len(landing.rows("events"))


def test_a_null_byte_is_shown_escaped_and_kept_as_it_is(landing):
    landing.put("a.jsonl", '{"a":"\0"}\n')
    landing.load()
    (reject,) = landing.rows("rejects")
    assert (b'{"a":"\0"}', '{"a":"\\x00"}') == (reject["raw_bytes"], reject["raw_text"])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_of_ten_megabytes_is_rejected_whole_and_its_neighbours_are_loaded(landing, place):
    long_line = landing.line(subject="x" * 10_000_000)
    lines = [landing.line(id="a"), landing.line(id="b")]
    lines.insert(place, long_line)
    landing.put("a.jsonl", "\n".join(lines))
    result = landing.load()
    (reject,) = landing.rows("rejects")
    assert ("line_too_long", place + 1) == (reject["reject_code"], reject["line_number"])
    assert long_line.encode() == reject["raw_bytes"]
    assert ["a", "b"] == [row["event_id"] for row in landing.rows("events")]
    assert 3 == result.lines_read


def test_a_line_of_just_the_longest_size_is_taken(landing):
    landing.set(max_line_bytes=1024)
    fitting = landing.line(subject="s")
    fitting = landing.line(subject="s" * (1024 - len(fitting) + 1))
    landing.put("a.jsonl", f"{fitting}\n{fitting.replace('sss', 'ssss', 1)}\n")
    landing.load()
    assert (["line_too_long"], 1) == (landing.reject_codes(), len(landing.rows("events")))


def test_blank_lines_are_no_lines_but_keep_their_numbers(landing):
    landing.put("a.jsonl", f"\n\r\n{landing.line()}\r\n\n{landing.line(id='e-2')}")
    result = landing.load()
    assert 2 == result.lines_read
    assert [3, 5] == [row["line_number"] for row in landing.rows("events")]


def test_carriage_returns_a_byte_order_mark_and_an_open_last_line_change_nothing(landing):
    landing.put("plain.jsonl", f"{landing.line()}\n{landing.line(id='e-2')}\n")
    landing.put("windows.jsonl", f"\ufeff{landing.line()}\r\n{landing.line(id='e-2')}")
    landing.load()
    rows = landing.rows("events")
    digests = [(row["digest_1"], row["digest_2"]) for row in rows]
    assert digests[:2] == digests[2:]
    assert 4 == len(rows)


def test_a_deeply_nested_line_is_rejected_and_not_fatal(landing):
    bomb = landing.line()[:-1] + ',"x":' + "[" * 100_000 + "]" * 100_000 + "}"
    landing.put("a.jsonl", f"{bomb}\n{landing.line()}\n")
    landing.load()
    assert ["broken_json"] == landing.reject_codes()
    assert 1 == len(landing.rows("events"))


def test_half_of_a_surrogate_pair_is_no_text(landing):
    landing.put("a.jsonl", landing.line(subject="x").replace('"x"', '"\\ud800"'))
    landing.load()
    assert ["broken_json"] == landing.reject_codes()


def test_a_closed_contract_refuses_a_property_that_it_does_not_declare(landing):
    landing.contract(
        "job.run",
        "1",
        {
            "type": "object",
            "properties": {"seconds": {"type": "integer", "maximum": 10}},
            "additionalProperties": False,
        },
    )
    for number, data in enumerate(
        ({"seconds": 1, "x": 1}, {"seconds": 1.5}, {"seconds": 11}, {"seconds": 10.0}, {})
    ):
        landing.put(f"{number}.jsonl", landing.line(type="job.run", data=data))
    landing.load()
    assert [
        "property_not_allowed",
        "property_wrong_type",
        "property_out_of_range",
    ] == landing.reject_codes()
    assert [10, None] == [row["q_seconds"] for row in landing.rows("events")]


@pytest.mark.parametrize("broken_file", range(4))
def test_a_line_that_is_no_json_costs_no_other_line_of_any_slab(landing, monkeypatch, broken_file):
    """Invariants 1 and 12."""
    monkeypatch.setattr("orchestration.ingest.slabs.LINES_PER_SLAB", 4)
    for number in range(4):
        lines = [landing.line(id=f"{number}-{place}") for place in range(3)]
        if number == broken_file:
            lines.insert(1, '{"specversion": ')
        landing.put(f"{number}.jsonl", "\n".join(lines))
    result = landing.load()
    assert (13, 12, 1) == (result.lines_read, result.lines_accepted, result.lines_rejected)
    assert sorted(f"{number}-{place}" for number in range(4) for place in range(3)) == sorted(
        row["event_id"] for row in landing.rows("events")
    )
    (reject,) = landing.rows("rejects")
    assert ("broken_json", 2) == (reject["reject_code"], reject["line_number"])
