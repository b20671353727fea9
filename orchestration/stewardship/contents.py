"""The contents under which an identity came, read from the raw files of every committed batch.

Belongs here: finding them by the key index, telling them apart, how a decision stands over them.
Does not belong here: the same judgement over all events, which is int_events__judged's; decisions
themselves (decision_rows.py).

Raw files and not the warehouse are asked: they are never behind, and exist before the first build.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.failures import RefusedError
from orchestration.ingest.digests import key_hash_of
from orchestration.ingest.slab_files import KEY_SHIFT
from orchestration.ingest.sql_text import quoted
from orchestration.operations_db.tables import raw_parts
from orchestration.settings import Settings
from orchestration.stewardship.decision_rows import Identity, content_digest_of

Standing: TypeAlias = Literal["counted", "conflicting", "picked", "dropped", "retracted"]
"""How an identity stands: it counts, as its only content or as the picked one, or does not."""

_PLACED: Final = """
    select distinct filename, event_date
    from read_parquet($paths, filename = true, hive_partitioning = false)
    semi join prefixes using (key_prefix)
"""
_EVENTS: Final = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
_COMPARED: Final = ("digest_1", "digest_2", "event_type", "subject", "event_at", "event_at_nanos")


class RawFilesUnreadableError(RefusedError):
    """A raw file that may hold an event is missing or not what was committed."""

    code = "raw_files_unreadable"


def contents_of(
    settings: Settings, engine: Engine, identities: Collection[Identity]
) -> dict[Identity, list[str]]:
    """Return the digest of each content of some identities, sorted; two may share one.

    An identity that no accepted event has is absent.

    Raises:
        RawFilesUnreadableError: a raw file cannot be read.
    """
    try:
        rows = _contents(settings, engine, identities)
    except duckdb.Error as error:
        [found_out, *_] = str(error).splitlines()
        raise RawFilesUnreadableError(
            f"Looked for {len(identities):,} events in {settings.raw}: {found_out}. "
            "`tallyhouse doctor` names every raw file that is missing or changed. Restore them, "
            "then decide again."
        ) from error
    found: dict[Identity, list[str]] = defaultdict(list)
    for source, event_id, digest_1, digest_2 in rows:
        found[source, event_id].append(content_digest_of(digest_1, digest_2))
    return {identity: sorted(digests) for identity, digests in found.items()}


def _contents(
    settings: Settings, engine: Engine, identities: Collection[Identity]
) -> list[tuple[str, str, int, int]]:
    with duckdb.connect(
        config={
            "memory_limit": settings.duckdb_memory_limit,
            "threads": settings.duckdb_threads,
            "autoinstall_known_extensions": False,
        }
    ) as duck:
        prefixes = {key_hash_of(*each) >> KEY_SHIFT for each in identities}
        duck.register("prefixes", pa.table({"key_prefix": pa.array(sorted(prefixes), pa.int64())}))
        sources, ids = zip(*identities, strict=True) if identities else ((), ())
        wanted = {"event_source": pa.array(sources, pa.string()), "event_id": pa.array(ids)}
        duck.register("wanted", pa.table(wanted))
        paths = _paths_of_keys(settings, engine, duck)
        return _distinct_contents(duck, paths) if paths else []


def standing_of(contents: Sequence[str], decision: Mapping[str, Any] | None) -> Standing:
    """Judge an identity as int_events__judged does.

    Args:
        contents: digests of its contents, one at least.
        decision: the last one about it, if there is one.
    """
    if decision is None or decision["decision"] == "restore":
        return "conflicting" if len(contents) > 1 else "counted"
    kind = decision["decision"]
    is_known = set(contents) <= set(decision["known_digests"])
    is_told_apart = kind == "drop" or len(set(contents)) == len(contents)
    if not (is_known and is_told_apart):
        return "conflicting"
    standings: dict[str, Standing] = {"pick": "picked", "drop": "dropped", "retract": "retracted"}
    return standings[kind]


def _paths_of_keys(
    settings: Settings, engine: Engine, duck: duckdb.DuckDBPyConnection
) -> list[str]:
    """Name the event files in which a wanted key prefix occurs."""
    parts = raw_parts.c
    query = sa.select(parts.path, parts.part_kind, parts.ingestion_batch_id, parts.event_date)
    with engine.connect() as connection:
        rows = connection.execute(
            query.where(parts.part_kind.in_(("events", "keys")), parts.row_count > 0)
        ).all()
    keys = {
        str(settings.data_dir / row.path): row.ingestion_batch_id
        for row in rows
        if row.part_kind == "keys"
    }
    if not keys:
        return []
    placed = {
        (keys[str(Path(name))], event_date)
        for name, event_date in duck.execute(_PLACED, {"paths": list(keys)}).fetchall()
    }
    return sorted(
        str(settings.data_dir / row.path)
        for row in rows
        if row.part_kind == "events" and (row.ingestion_batch_id, row.event_date) in placed
    )


def _distinct_contents(
    duck: duckdb.DuckDBPyConnection, paths: Sequence[str]
) -> list[tuple[str, str, int, int]]:
    names = duck.execute(f"describe from {_EVENTS}", {"paths": list(paths)}).fetchall()
    properties = sorted(name for name, *_ in names if name.startswith(("q_", "d_")))
    columns = ", ".join((*_COMPARED, *map(quoted, properties)))
    return duck.execute(
        "select event_source, event_id, digest_1, digest_2 from ("
        f"select distinct event_source, event_id, {columns} from {_EVENTS} "
        "semi join wanted using (event_source, event_id))",
        {"paths": list(paths)},
    ).fetchall()
