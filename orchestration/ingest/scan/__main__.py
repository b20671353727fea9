"""Compile the scanner before anybody waits for it: `python -m orchestration.ingest.scan`.

Belongs here: one line, read and scanned. Does not belong here: what is compiled.
"""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from orchestration.ingest.line_files import LINE_SCHEMA
from orchestration.ingest.records import TimeWindow
from orchestration.ingest.scan import LineScanner
from orchestration.ingest.scan.breaks import find_line_feeds
from orchestration.ingest.scan.memory import PADDING, padded
from orchestration.price_book.event_contracts import EventContracts

if __name__ == "__main__":
    window = TimeWindow.around(
        datetime(2026, 1, 1, tzinfo=UTC), earliest_event_year=2000, future_tolerance_hours=24
    )
    text = "{}\n"
    find_line_feeds(padded(text.encode()), np.empty(len(text) + PADDING, np.int64))
    line = pa.RecordBatch.from_pydict(
        {"file_id": [1], "line_number": [1], "line": [text]}, schema=LINE_SCHEMA
    )
    LineScanner(EventContracts(()), window).scan(line)
