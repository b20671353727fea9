"""Scanning a batch of lines: buffers for the compiled functions, and Arrow columns out of them.

Belongs here: Arrow on both sides, patterns. Does not belong here: the loops; batches that do not
come as lines.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingest.records import TimeWindow
from orchestration.ingest.scan.arrays import Bytes, Columns, Ints, Words
from orchestration.ingest.scan.breaks import LINE_FEED
from orchestration.ingest.scan.hashing import BLOCK, hash_messages, lanes, put_hashes
from orchestration.ingest.scan.judging import scan_lines
from orchestration.ingest.scan.memory import PADDING, padded
from orchestration.ingest.scan.tables import tables_of
from orchestration.ingest.scan.values import MICROSECONDS_A_DAY
from orchestration.price_book.event_contracts import EventContracts

_BYTES_BESIDE_A_LINE: Final = 256  # two paddings of md5, an instant in digits, separators
_FARTHEST: Final = (1 << 63) // 1000 - 1  # microseconds whose nanoseconds a word holds
_DECIMAL: Final = pa.decimal128(38, 9)


@dataclass(frozen=True)
class Scanned:
    """What a batch of lines holds.

    Attributes:
        events: the good events, typed as raw/events but for the batch's number and instant; it
            refers to the memory of the lines.
        left_aside: positions of the lines that the exact rules have to judge, ascending.
    """

    events: pa.RecordBatch
    left_aside: npt.NDArray[np.int64]


class _Scratch(threading.local):
    """Memory that a thread uses again for each batch; fresh pages cost as much as scanning."""

    def __init__(self) -> None:
        self._messages: Bytes = np.empty(0, np.uint8)

    def messages(self, size: int) -> Bytes:
        """Return room for messages, a whole number of blocks and padded."""
        if len(self._messages) < size + PADDING:
            self._messages = np.empty(size + size // 2 // BLOCK * BLOCK + PADDING, np.uint8)
        return self._messages


class LineScanner:
    """Scans lines by one set of event contracts, within a window of instants.

    Several threads can use one: what it keeps between batches, each has for itself.
    """

    def __init__(self, contracts: EventContracts, window: TimeWindow) -> None:
        self._scratch = _Scratch()
        self._tables = tables_of(contracts)
        self._property_columns = contracts.property_columns()
        self._window = np.array(
            [
                max(window.earliest_microseconds, -_FARTHEST),
                max(min(window.latest_microseconds, _FARTHEST), -_FARTHEST),
            ]
        )

    def scan(self, lines: pa.RecordBatch) -> Scanned:
        """Return the good events among lines (file_id, line_number, line), and the rest's places.

        Each line is UTF-8 without a null byte, and ends with its only line feed.
        """
        characters, bounds = _text_of(lines.column("line"))
        size = int(bounds[-1] - bounds[0])
        columns = self._room(lines.num_rows, size)
        rows = scan_lines(
            characters,
            bounds,
            self._window,
            self._tables.names,
            self._tables.found(),
            self._tables.rules,
            columns,
        )
        digests = np.empty((2 * rows, 4), np.uint32)
        words = columns.messages.view(np.uint32)
        hash_messages(words, columns.message_at, 2 * rows, digests, lanes())
        put_hashes(rows, digests, columns)
        if self._tables.patterns:
            columns, rows = self._without_misfits(columns, rows, characters)
        return self._scanned(lines, columns, rows, characters)

    def _room(self, lines: int, size: int) -> Columns:
        texts, numbers = len(self._tables.text_columns), len(self._tables.number_columns)
        blocks = (size + lines * _BYTES_BESIDE_A_LINE) // BLOCK + 1
        return Columns(
            place=_room((lines,), np.int64),
            contract=_room((lines,), np.int16),
            at=_room((lines,), np.int64),
            nanos=_room((lines,), np.int16),
            views=_room((texts, lines, 2), np.uint64),
            has_text=_room((texts, lines), np.uint8),
            numbers=_room((numbers, lines, 2), np.uint64),
            has_number=_room((numbers, lines), np.uint8),
            hashes=_room((3, lines), np.int64),
            decoded=_room((size,), np.uint8),
            messages=self._scratch.messages(blocks * BLOCK),
            message_at=_room((2 * lines + 1,), np.int64),
            names=_room((lines, 2), np.uint64),
            ends=np.zeros(2, np.int64),
        )

    def _scanned(
        self, lines: pa.RecordBatch, columns: Columns, rows: int, characters: Bytes
    ) -> Scanned:
        place: Any = columns.place[:rows]
        contract = columns.contract[:rows]
        buffers = (_buffer(characters), _buffer(columns.decoded))
        texts = {
            name: _views(columns.views[at, :rows], columns.has_text[at, :rows], buffers)
            for at, name in enumerate(self._tables.text_columns)
        }
        numbers = {
            name: _decimals(columns.numbers[at, :rows], columns.has_number[at, :rows])
            for at, name in enumerate(self._tables.number_columns)
        }
        at: Any = columns.at[:rows]
        contracts = self._tables.contracts
        places = lines.select(["file_id", "line_number"])
        taken = places if rows == lines.num_rows else places.take(pa.array(place))
        arrays = {
            "file_id": taken.column("file_id"),
            "line_number": taken.column("line_number"),
            "event_source": texts["event_source"],
            "event_id": texts["event_id"],
            "event_type": _coded(contract, [one.event_type for one in contracts]),
            "contract_version": _coded(contract, [one.version for one in contracts]),
            "subject": texts["subject"],
            "event_at": pa.array(at).view(pa.timestamp("us")),
            "event_at_nanos": pa.array(columns.nanos[:rows]),
            "event_date": pa.array((at // MICROSECONDS_A_DAY).astype(np.int32)).view(pa.date32()),
            **{
                name: pa.array(columns.hashes[number, :rows])
                for number, name in enumerate(("key_hash", "digest_1", "digest_2"))
            },
            **{name: (texts | numbers)[name] for name in self._property_columns},
        }
        is_left = np.ones(lines.num_rows, np.bool_)
        is_left[place] = False
        return Scanned(
            pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays)),
            np.flatnonzero(is_left),
        )

    def _without_misfits(
        self, columns: Columns, rows: int, characters: Bytes
    ) -> tuple[Columns, int]:
        """Leave out the events whose texts do not hold a pattern of their contract."""
        contract = columns.contract[:rows]
        fits = np.ones(rows, np.bool_)
        for column, number, pattern in self._tables.patterns:
            buffers = (_buffer(characters), _buffer(columns.decoded))
            views = _views(columns.views[column, :rows], columns.has_text[column, :rows], buffers)
            matches = pc.match_substring_regex(views.cast(pa.string()), pattern)
            misses = pc.invert(matches).fill_null(False)
            fits &= (contract != number) | ~misses.to_numpy(zero_copy_only=False)
        if fits.all():
            return columns, rows
        kept = np.flatnonzero(fits)
        by_row = {
            name: np.ascontiguousarray(getattr(columns, name)[..., kept])
            for name in ("place", "contract", "at", "nanos", "has_text", "has_number", "hashes")
        } | {
            name: np.ascontiguousarray(getattr(columns, name)[:, kept])
            for name in ("views", "numbers")
        }
        return columns._replace(**by_row), len(kept)


def _text_of(lines: Any) -> tuple[Bytes, Ints]:
    """Return the characters of a column of lines, padded, and the bounds of the lines in them."""
    _, offsets, data = lines.buffers()
    bounds = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    characters = np.frombuffer(data, np.uint8)
    if len(characters) < bounds[-1] + PADDING or not characters.flags.writeable:
        characters = padded(bytes(characters))  # read-only arrays would be compiled for once more
    if np.any(characters[bounds[1:] - 1] != LINE_FEED) or np.any(bounds[1:] == bounds[:-1]):
        raise ValueError("a line to scan must end with a line feed")
    return characters, bounds.astype(np.int64)


def _room(shape: tuple[int, ...], kind: type[Any]) -> npt.NDArray[Any]:
    """Return a padded array whose memory comes from Arrow, which hands pages out again."""
    size = math.prod(shape)
    buffer: Any = pa.allocate_buffer(size * np.dtype(kind).itemsize + PADDING)
    found: npt.NDArray[Any] = np.frombuffer(buffer, kind, size)
    return found.reshape(shape)


def _views(views: Words, has_text: Bytes, buffers: Sequence[pa.Buffer]) -> Any:
    held: list[pa.Buffer | None] = [_bits(has_text), _buffer(views), *buffers]
    return pa.Array.from_buffers(pa.string_view(), len(views), held)


def _decimals(numbers: Words, has_number: Bytes) -> Any:
    held: list[pa.Buffer | None] = [_bits(has_number), _buffer(numbers)]
    return pa.Array.from_buffers(_DECIMAL, len(numbers), held)


def _bits(flags: Bytes) -> pa.Buffer:
    return _buffer(np.packbits(flags, bitorder="little"))


def _buffer(array: Any) -> pa.Buffer:
    return pa.py_buffer(array)


def _coded(numbers: Any, texts: Sequence[str]) -> Any:
    """Return the text of each number; each text is listed once, else it is written out per row."""
    listed = list(dict.fromkeys(texts))
    codes = np.array([listed.index(text) for text in texts], np.int16)[numbers]
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(listed, pa.string()))
