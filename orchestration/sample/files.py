"""The bytes of the sample's landing files: lines, gzip, zstd, CSV and Parquet.

Belongs here: turning rows in memory into a file that is the same on every machine; compression
comes from locked wheels, not from the interpreter's zlib.
Does not belong here: which rows a file holds, which is delivery's.
"""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from orchestration.sample.delivery import Delivery, Row
from orchestration.sample.rendering import time_text
from orchestration.sample.usage import Event

_ZSTD_LEVEL: Final = 3
_ATTRIBUTES: Final = ("id", "source", "type", "subject", "time", "dataschema")
_CUT_FRACTION: Final = 0.6
# A file that changed a moment ago counts as still being written; these are done.
_SETTLED_SECONDS: Final = 3600


def write_files(folder: Path, delivery: Delivery, *, now_seconds: float) -> list[Path]:
    """Write every file of the delivery below the folder, and return their paths in order.

    now_seconds is the clock, in seconds since 1970: the files are dated an hour before it.
    """
    written = []
    for name in sorted({*delivery.files, *delivery.truncated}):
        rows = delivery.files[delivery.truncated.get(name, name)]
        content = _content(name, sorted(rows, key=lambda row: row.order))
        if name in delivery.truncated:
            content = content[: int(len(content) * _CUT_FRACTION)]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        settled = now_seconds - _SETTLED_SECONDS
        os.utime(path, (settled, settled))
        written.append(path)
    return written


def _content(name: str, rows: Sequence[Row]) -> bytes:
    if name.endswith(".csv"):
        return _csv([row.event for row in rows if row.event])
    if name.endswith(".parquet"):
        return _parquet([row.event for row in rows if row.event])
    text = b"".join(row.line + b"\n" for row in rows)
    if name.endswith(".gz"):
        return pa.compress(text, codec="gzip", asbytes=True)
    if name.endswith(".zst"):
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(text)
    return text


def _csv(events: Sequence[Event]) -> bytes:
    """One column per attribute and property, as texts; what an event does not have is empty."""
    properties = list(dict.fromkeys(name for event in events for name, _ in event.data))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_ATTRIBUTES, *properties])
    for event in events:
        data = dict(event.data)
        attributes = (
            *(event.event_id, event.source, event.event_type, event.subject),
            *(time_text(event.at_us), event.dataschema or ""),
        )
        writer.writerow([*attributes, *(data.get(name, "") for name in properties)])
    return text.getvalue().encode()


def _parquet(events: Sequence[Event]) -> bytes:
    """The same columns, typed: instants in UTC, exact decimals; what is not there is null."""
    columns: dict[str, Any] = {
        "id": pa.array([event.event_id for event in events]),
        "source": pa.array([event.source for event in events]),
        "type": pa.array([event.event_type for event in events]),
        "subject": pa.array([event.subject for event in events]),
        "time": pa.array([event.at_us for event in events], pa.timestamp("us", tz="UTC")),
        "dataschema": pa.array([event.dataschema for event in events]),
    }
    every = [dict(event.data) for event in events]
    for name in dict.fromkeys(name for data in every for name in data):
        columns[name] = pa.array([data.get(name) for data in every])
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()
