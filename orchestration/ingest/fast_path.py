"""The fast path: SQL that turns lines into typed events, and leaves aside what it is not sure of.

Belongs here: the compilation of event contracts into one DuckDB query.
Does not belong here: the rules (exact.py, exact_data.py); reading lines; writing files.

It accepts only what the exact path accepts, with the same values; everything else, good or bad, is
handed on untouched: such a row has no event_date and carries its line in event_id. Why it is safe:

* Every value is taken as JSON text, so its kind is its first character: `"` begins a text, and the
  text of a number, and of nothing else, casts to DECIMAL.
* DuckDB's JSON reader takes more than JSON does (trailing commas, NaN, repeated keys) and passes
  numbers through a double. Where a line is as long as the compact form of what was read from it,
  there is no room for anything of this: no text ever grows by being read and written again, and no
  number does, but for those in exponent form, which are looked for. At most 16 characters of a
  number leave at most 15 digits, which a double keeps.
* Any other line (white space, further keys, escapes) is taken if its keys are those that were read,
  once each, or strangers without inner objects, and if it shows none of the signs of what DuckDB
  tolerates. `is_compact` and `has_known_keys` are these two ways.
"""

import json
from collections.abc import Iterable, Sequence

import duckdb

from orchestration.ingest.digests import (
    digest_number_sql,
    identity_number_sql,
    plain_number_sql,
    slice_sql,
)
from orchestration.ingest.fast_conditions import (
    DOUBTFUL_PATTERN,
    fits_contract,
    has_known_keys,
    instant_of,
    is_compact,
    is_filled_text,
)
from orchestration.ingest.fast_names import (
    ATTRIBUTES,
    attribute,
    by_contract,
    characters_of,
    holder_of,
    number_of,
    object_paths,
    point_of,
    property_paths,
    text_of,
)
from orchestration.ingest.records import TimeWindow
from orchestration.ingest.sql_text import literal, quoted
from orchestration.price_book.event_contracts import (
    UNNAMED_VERSION,
    EventContract,
    EventContracts,
)

EVENT_COLUMNS = (
    "ingestion_batch_id",
    "file_id",
    "line_number",
    "ingested_at",
    "event_source",
    "event_id",
    "event_type",
    "contract_version",
    "subject",
    "event_at",
    "event_at_nanos",
    "event_date",
    "key_hash",
    "digest_1",
    "digest_2",
)
MALFORMED_LINE = duckdb.InvalidInputException
LONGEST_MICROSECOND_TIMES = (
    len('"2026-10-31T23:59:59.123456Z"'),
    len('"2026-10-31T23:59:59.123456+00:00"'),
)


def fast_path_sql(
    relation: str,
    contracts: EventContracts,
    window: TimeWindow,
    *,
    ingestion_batch_id: int,
    ingested_microseconds: int,
    is_all_json: bool,
) -> str:
    """Return the query over a relation (file_id, line_number, line_end, line, verbatim).

    `line` is JSON with line_end bytes of line end; `verbatim` is what the file holds. The rows have
    the columns EVENT_COLUMNS and contracts.property_columns(), typed as raw/events is. A line that
    is left aside has `verbatim` in event_id and, where it differs, `line` in subject. The session's
    TimeZone must be UTC. Where every line is JSON, is_all_json spares a look; where one is not, the
    query then fails with MALFORMED_LINE.
    """
    fast = tuple(one for one in contracts.contracts if _is_fast(one, contracts))
    columns = _property_values(fast)
    query = relation
    for layer in (
        _read_layer(fast, is_all_json=is_all_json),
        _text_layer(fast),
        _value_layer(fast),
        _judged_layer(fast, window),
        _keys_layer(fast),
        _plain_layer(fast),
        "*, case when is_plain then contract_number end as plain_number",
        _event_layer(fast, columns),
        _hashed_layer(fast),
    ):
        query = f"(select {layer}\nfrom {query})"
    differs = "line is distinct from verbatim"
    output = ",\n".join(
        (
            f"cast({ingestion_batch_id} as integer) as ingestion_batch_id",
            "file_id",
            "line_number",
            f"make_timestamp({ingested_microseconds}) as ingested_at",
            "event_source",
            "case when is_plain then event_id else verbatim end as event_id",
            "event_type",
            "contract_version",
            f"case when is_plain then subject when {differs} then line end as subject",
            "event_at",
            "event_at_nanos",
            "case when is_plain then cast(event_at as date) end as event_date",
            f"{slice_sql('identity_number', 0)} as key_hash",
            f"{slice_sql('digest_number', 0)} as digest_1",
            f"{slice_sql('digest_number', 1)} as digest_2",
            *(
                quoted(name) if name in columns else f"{_absent(name)} as {quoted(name)}"
                for name in contracts.property_columns()
            ),
        )
    )
    return f"select {output}\nfrom {query}"


def _is_fast(contract: EventContract, contracts: EventContracts) -> bool:
    """Whether no other contract has a scalar where this one has an object."""
    inner = {one.path for one in contract.objects if one.path}
    scalars = {item.path for one in contracts.contracts for item in one.properties}
    return inner.isdisjoint(scalars)


def _absent(column: str) -> str:
    return f"cast(null as {'decimal(38, 9)' if column.startswith('q_') else 'varchar'})"


def _property_values(fast: Sequence[EventContract]) -> dict[str, str]:
    """Return SQL for each property column of a plain row, by the number of its contract.

    A q_ column has its plain text beside it, as t_<column>. In rows that are left aside these
    columns hold anything.
    """
    sources: dict[str, dict[str, list[int]]] = {}
    paths: dict[str, tuple[str, ...]] = {}
    for number, contract in enumerate(fast):
        for item in contract.properties:
            text, value = text_of(item.path), number_of(item.path)
            if item.is_numeric:
                plain = plain_number_sql(value, text, point_of(item.path))
                values = {item.column_name: value, f"t_{item.column_name}": plain}
            else:
                is_bare = item.kind == "boolean"
                values = {item.column_name: text if is_bare else characters_of(text)}
            for column, chosen in values.items():
                sources.setdefault(column, {}).setdefault(chosen, []).append(number)
                paths[column] = item.path
    return {
        column: next(iter(values))
        if len(values) == 1 and _is_nowhere_else(fast, paths[column], next(iter(values.values())))
        else "case "
        + " ".join(
            f"when plain_number in ({', '.join(map(str, numbers))}) then {value}"
            for value, numbers in values.items()
        )
        + " end"
        for column, values in sources.items()
    }


def _is_nowhere_else(
    fast: Sequence[EventContract], path: tuple[str, ...], declaring: Sequence[int]
) -> bool:
    """Whether no event of another contract than the declaring ones has a member at the path."""
    return all(
        _cannot_hold(contract, path)
        for number, contract in enumerate(fast)
        if number not in declaring
    )


def _cannot_hold(contract: EventContract, path: tuple[str, ...]) -> bool:
    if any(item.path == path for item in contract.properties):
        return False
    closed = {one.path: one.is_closed for one in contract.objects}
    holder = next(path[:length] for length in reversed(range(len(path))) if path[:length] in closed)
    return closed[holder]


def _read_layer(fast: Sequence[EventContract], *, is_all_json: bool) -> str:
    data: dict[str, object] = {}
    for path in property_paths(fast):
        holder = data
        for name in path[:-1]:
            inner = holder.setdefault(name, {})
            assert isinstance(inner, dict)  # noqa: S101 - _is_fast keeps scalars out of the way
            holder = inner
        holder[path[-1]] = "JSON"
    structure = json.dumps({**dict.fromkeys(ATTRIBUTES, "JSON"), "data": data or {"_": "JSON"}})
    event = f"from_json(line, {literal(structure)})"
    if not is_all_json:
        event = f"case when json_valid(line) then {event} end"
    return f"file_id, line_number, line_end, line, verbatim, {event} as event"


def _text_layer(fast: Sequence[EventContract]) -> str:
    return ",\n".join(
        (
            "file_id, line_number, line_end, line, verbatim",
            *(f"cast(event.{quoted(name)} as varchar) as {attribute(name)}" for name in ATTRIBUTES),
            *(f"{_member(path)} is not null as {holder_of(path)}" for path in object_paths(fast)),
            *(
                f"cast({_member(path)} as varchar) as {text_of(path)}"
                for path in property_paths(fast)
            ),
            "contains(line, '\\') as has_escape",
        )
    )


def _member(path: tuple[str, ...]) -> str:
    return ".".join(("event", "data", *(quoted(name) for name in path)))


def _value_layer(fast: Sequence[EventContract]) -> str:
    numbers = {item.path for one in fast for item in one.properties if item.is_numeric}
    return ",\n".join(
        (
            "*",
            f"{_contract_number(fast)} as contract_number",
            f"{instant_of(attribute('time'))} as event_at",
            *(
                f"try_cast({text_of(path)} as decimal(38, 9)) as {number_of(path)}"
                for path in sorted(numbers)
            ),
            *(f"instr({text_of(path)}, '.') as {point_of(path)}" for path in sorted(numbers)),
        )
    )


def _contract_number(fast: Iterable[EventContract]) -> str:
    branches = []
    for number, contract in enumerate(fast):
        event_type = f"{attribute('type')} = {literal(_json_text(contract.event_type))}"
        schema = attribute("dataschema")
        named = [f"{schema} is null"] if contract.version == UNNAMED_VERSION else []
        if contract.dataschema is not None:
            named.append(f"{schema} = {literal(_json_text(contract.dataschema))}")
        branches.append(f"when {event_type} and ({' or '.join(named)}) then {number}")
    return f"case {' '.join(branches)} end" if branches else "cast(null as integer)"


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _judged_layer(fast: Sequence[EventContract], window: TimeWindow) -> str:
    content_type = attribute("datacontenttype")
    conditions = (
        f"{attribute('specversion')} = '\"1.0\"'",
        *(is_filled_text(attribute(name)) for name in ("id", "source", "subject")),
        f"event_at >= make_timestamp({window.earliest_microseconds})",
        f"event_at < make_timestamp({window.latest_microseconds})",
        f"({content_type} is null or {content_type} = '\"application/json\"')",
        "(not has_escape or not contains(line, '\\u0000'))",
        by_contract(fast, fits_contract, otherwise="false"),
    )
    compact = by_contract(fast, is_compact, otherwise="false")
    return (
        f"*,\ncoalesce({' and '.join(conditions)}, false) as is_sound,\n"
        f"coalesce({compact}, false) as is_compact"
    )


def _keys_layer(fast: Sequence[EventContract]) -> str:
    paths = [".".join(("$", "data", *path)) for path in object_paths(fast)]
    listed = ", ".join(literal(path) for path in ("$", *paths))
    return f"*,\ncase when is_sound and not is_compact then json_keys(line, [{listed}]) end as keys"


def _plain_layer(fast: Sequence[EventContract]) -> str:
    positions = object_paths(fast)
    known = by_contract(fast, lambda one: has_known_keys(one, positions), otherwise="false")
    return (
        "*,\nis_sound and (is_compact or case when is_sound and not is_compact then not "
        f"regexp_matches(line, {literal(DOUBTFUL_PATTERN)}) and coalesce({known}, false) "
        "else false end) as is_plain"
    )


def _event_layer(fast: Sequence[EventContract], columns: dict[str, str]) -> str:
    z_length, offset_length = LONGEST_MICROSECOND_TIMES
    time = attribute("time")
    is_finer = (
        f"strlen({time}) > {z_length} and "
        f"(suffix({time}, 'Z\"') or strlen({time}) > {offset_length})"
    )
    finer = f"rpad(regexp_extract({time}, '\\.[0-9]{{6}}([0-9]{{1,3}})', 1), 3, '0')"
    version = by_contract(
        fast, lambda one: literal(one.version), otherwise="null", number="plain_number"
    )
    event_type = by_contract(
        fast, lambda one: literal(one.event_type), otherwise="null", number="plain_number"
    )
    texts = {"event_source": "source", "event_id": "id", "subject": "subject"}
    return ",\n".join(
        (
            "file_id, line_number, line, verbatim, is_plain, plain_number, event_at",
            *(f"{characters_of(attribute(name))} as {column}" for column, name in texts.items()),
            f"{event_type} as event_type",
            f"{version} as contract_version",
            f"cast(case when {is_finer} then {finer} else '0' end as smallint) as event_at_nanos",
            *(f"{value} as {quoted(column)}" for column, value in columns.items()),
        )
    )


def _hashed_layer(fast: Sequence[EventContract]) -> str:
    identity = identity_number_sql("event_source", "event_id")
    digest = by_contract(
        fast,
        lambda one: digest_number_sql(one, "identity_number"),
        otherwise="null",
        number="plain_number",
    )
    return f"*, {identity} as identity_number, {digest} as digest_number"
