"""Compile the scanner before anybody waits for it: `python -m orchestration.ingest.scan`.

Belongs here: one scan of one line. Does not belong here: what is compiled.
"""

from datetime import UTC, datetime

import pyarrow as pa

from orchestration.ingest.line_files import LINE_SCHEMA
from orchestration.ingest.records import TimeWindow
from orchestration.ingest.scan import LineScanner
from orchestration.price_book.event_contracts import EventContracts

if __name__ == "__main__":
    window = TimeWindow.around(
        datetime(2026, 1, 1, tzinfo=UTC), earliest_event_year=2000, future_tolerance_hours=24
    )
    line = pa.RecordBatch.from_pydict(
        {"file_id": [1], "line_number": [1], "line": ["{}\n"]}, schema=LINE_SCHEMA
    )
    LineScanner(EventContracts(()), window).scan(line)
