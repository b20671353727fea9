"""Reading files of lines: whole lines out of plain or compressed bytes, without building strings.

Belongs here: decompression, cutting at line ends, and what can be told of a line from its bytes
alone: too long, a null byte, not UTF-8, blank. Does not belong here: what a line says.

A line ends at a line feed, a carriage return before it belongs to the end; the last line needs
none. A byte order mark is passed over. A blank line is no line: it is neither counted nor rejected,
but it keeps its number.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.ingest.formats import Compression, UsageFormat
from orchestration.ingest.records import Reject
from orchestration.ingest.refusals import FileChangedError, FileRefusedError
from orchestration.ingest.reject_spool import RejectSink
from orchestration.ingest.scan.breaks import ASCII_END, LINE_FEED, find_line_feeds
from orchestration.ingest.scan.memory import PADDING
from orchestration.ingest.survey import fingerprint_of

CHUNK_BYTES = 2 << 20  # small enough for the allocator to hand the same pages out again
LONGEST_KEPT_LINE = 256 << 20
CARRIAGE_RETURN = 13
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")

_LINE_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int32(),
    "line_number": pa.int64(),
    "line": pa.string(),
}
LINE_SCHEMA = pa.schema(_LINE_TYPES)


@dataclass
class FileToRead:
    """A file that is being loaded, and what reading it told.

    Attributes:
        content_sha256: known before, or computed while it is read.
        line_count: lines read so far, blank ones left out.
        header: of a CSV file, its first line.
    """

    file_id: int
    path: Path
    name: str
    usage_format: UsageFormat
    stat_fingerprint: str
    byte_size: int
    content_sha256: str | None
    line_count: int = 0
    header: str | None = None

    def refused(self, code: str, message: str) -> FileRefusedError:
        """Return the refusal of this file."""
        return FileRefusedError(
            f"Read {self.name}: {message}", code=code, path=self.path, file_id=self.file_id
        )


@dataclass(frozen=True)
class LineBounds:
    """Where the lines of a chunk lie.

    Attributes:
        starts, ends: by line, its first byte and its line feed.
        has_null: whether the chunk holds a null byte.
        is_beyond_ascii: whether it holds a byte beyond ASCII.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    has_null: bool
    is_beyond_ascii: bool


class _HashingFile(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, file: io.FileIO, *, is_hashed: bool, on_read: Callable[[int], None]) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256() if is_hashed else None
        self._on_read = on_read

    def readable(self) -> bool:
        return True

    def readinto(self, view: Any) -> int:
        count = self._file.readinto(view) or 0
        if self._digest is not None and count:
            self._digest.update(memoryview(view)[:count])
        self._on_read(count)
        return count

    def hexdigest(self) -> str | None:
        return None if self._digest is None else self._digest.hexdigest()


def read_lines(
    file: FileToRead,
    *,
    max_line_bytes: int,
    rejects: RejectSink,
    on_read: Callable[[int], None],
) -> Iterator[pa.RecordBatch]:
    """Yield the lines of a file as batches of LINE_SCHEMA, each line with its line end.

    Lines that are rejected for their bytes go to rejects instead. When all is read,
    file.line_count and file.content_sha256 are complete. on_read gets the size of each read.

    Raises:
        FileRefusedError: the file as a whole cannot be read.
        FileChangedError: it changed while it was read.
    """
    try:
        with file.path.open("rb", buffering=0) as raw:
            hashing = _HashingFile(raw, is_hashed=file.content_sha256 is None, on_read=on_read)
            chunks = _Chunks(file, _stream_of(file, hashing), max_line_bytes, rejects)
            yield from chunks.batches()
            file.content_sha256 = file.content_sha256 or hashing.hexdigest()
        if fingerprint_of(file.path) != file.stat_fingerprint:
            raise FileChangedError(file.path, file.file_id)
    except (OSError, EOFError, pa.ArrowException) as error:
        is_compressed = file.usage_format.compression is not None
        code = "truncated_file" if "runcated" in str(error) else "damaged_file"
        raise file.refused(
            code if is_compressed else "unreadable_file",
            f"{error}. Nothing of it is loaded; deliver it again, complete.",
        ) from error


def _stream_of(file: FileToRead, hashing: _HashingFile) -> "_HashingFile | _Decompressing":
    compression = file.usage_format.compression
    return hashing if compression is None else _Decompressing(hashing, compression)


class _Decompressing:
    """Decompressed bytes of a file; its end must be the end of a compressed frame."""

    def __init__(self, hashing: _HashingFile, compression: Compression) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(hashing, mode="r"), compression)

    def readinto(self, view: memoryview) -> int:
        piece = self._stream.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


class _Chunks:
    """Cuts the bytes of one file into batches of whole lines."""

    def __init__(
        self,
        file: FileToRead,
        stream: "_HashingFile | _Decompressing",
        max_line_bytes: int,
        rejects: RejectSink,
    ) -> None:
        self._file = file
        self._stream = stream
        self._max_line_bytes = max_line_bytes
        self._rejects = rejects
        self._carried = b""
        self._next_number = 1
        self._is_first = True
        self._is_at_end = False
        self._room = np.empty(0, np.int64)  # for the ends of lines; fresh pages would cost more

    def batches(self) -> Iterator[pa.RecordBatch]:
        while not self._is_at_end:
            buffer, filled = self._fill()
            bytes_read = np.frombuffer(memoryview(buffer), np.uint8)[:filled]
            start = self._first_position(bytes_read) if self._is_first else 0
            bounds = self._bounds_of(bytes_read, start)
            if bounds is None:
                self._carried = bytes(bytes_read[start:])
                if len(self._carried) > self._max_line_bytes:
                    self._cut_endless_line()
                continue
            self._carried = bytes(bytes_read[bounds.ends[-1] + 1 :])
            yield self._batch(buffer, bytes_read, bounds)

    def _bounds_of(self, bytes_read: npt.NDArray[np.uint8], start: int) -> LineBounds | None:
        """Return where the lines from a place on lie, or None where none ends."""
        if len(self._room) < len(bytes_read):
            self._room = np.empty(len(bytes_read), np.int64)
        count, has_null, is_beyond_ascii = find_line_feeds(bytes_read, self._room)
        if not count:
            return None
        ends = self._room[:count].copy()
        starts = np.empty(count, np.int64)
        starts[0] = start
        starts[1:] = ends[:-1] + 1
        return LineBounds(starts, ends, has_null=has_null, is_beyond_ascii=is_beyond_ascii)

    def _fill(self) -> tuple[pa.Buffer, int]:
        """Fill a fresh buffer after what was carried over; end the last line where it is open."""
        carried = len(self._carried)
        wanted = min(CHUNK_BYTES, max(self._file.byte_size, 1)) if self._is_plain() else CHUNK_BYTES
        buffer = pa.allocate_buffer(carried + wanted + 1 + PADDING)
        view = memoryview(buffer).cast("B")
        view[:carried] = self._carried
        filled = carried
        while filled < carried + wanted:
            count = self._stream.readinto(view[filled : carried + wanted])
            if not count:
                self._is_at_end = True
                if filled and view[filled - 1] != LINE_FEED:
                    view[filled] = LINE_FEED
                    filled += 1
                break
            filled += count
        self._carried = b""
        return buffer, filled

    def _is_plain(self) -> bool:
        return self._file.usage_format.compression is None

    def _first_position(self, bytes_read: npt.NDArray[np.uint8]) -> int:
        """Return where the first line starts; refuse what is no UTF-8 as a whole."""
        self._is_first = False
        head = bytes(bytes_read[:4])
        if head.startswith(OTHER_ENCODINGS) or head.count(0) > 1:
            raise self._file.refused(
                "wrong_encoding",
                "it starts like UTF-16 or UTF-32. Nothing of it is loaded; deliver it in UTF-8.",
            )
        return len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0

    def _cut_endless_line(self) -> None:
        """Take a line that no chunk holds out of the stream, and keep it as a reject."""
        pieces = [self._carried]
        size = len(self._carried)
        self._carried = b""
        piece = bytearray(CHUNK_BYTES)
        while True:
            count = self._stream.readinto(memoryview(piece))
            at = piece.find(b"\n", 0, count)
            pieces.append(bytes(piece[: count if at < 0 else at]))
            size += len(pieces[-1])
            if at >= 0:
                self._carried = bytes(piece[at + 1 : count])
                break
            if not count:
                self._is_at_end = True
                break
            if size > LONGEST_KEPT_LINE:
                raise self._file.refused(
                    "line_unbounded",
                    f"line {self._next_number} goes on for more than {LONGEST_KEPT_LINE} bytes. "
                    "Nothing of it is loaded; write one event per line.",
                )
        self._file.line_count += 1
        raw = b"".join(pieces)
        self._cut(self._next_number, raw.removesuffix(b"\r"), "line_too_long")
        self._next_number += 1

    def _batch(
        self, buffer: pa.Buffer, bytes_read: npt.NDArray[np.uint8], bounds: LineBounds
    ) -> pa.RecordBatch:
        count = len(bounds.ends)
        offsets = np.empty(count + 1, np.int32)
        offsets[0] = bounds.starts[0]
        offsets[1:] = bounds.ends + 1
        lines = pa.StringArray.from_buffers(count, pa.py_buffer(offsets.data), buffer)
        lengths = bounds.ends - bounds.starts
        has_return = (bytes_read[bounds.ends - 1] == CARRIAGE_RETURN) & (lengths > 0)
        is_blank = lengths == has_return
        batch = pa.record_batch(
            [
                pa.array(np.full(count, self._file.file_id, np.int32)),
                pa.array(np.arange(self._next_number, self._next_number + count)),
                lines,
            ],
            schema=LINE_SCHEMA,
        )
        is_cut = self._cut_bad_lines(bytes_read, bounds, lengths - has_return)
        self._file.line_count += count - int(is_blank.sum())
        self._next_number += count
        is_left_out = is_blank | is_cut
        return batch.filter(pa.array(~is_left_out)) if is_left_out.any() else batch

    def _cut_bad_lines(
        self,
        bytes_read: npt.NDArray[np.uint8],
        bounds: LineBounds,
        lengths: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.bool_]:
        is_cut = np.zeros(len(lengths), np.bool_)
        used = bytes_read[: bounds.ends[-1] + 1]
        for code, positions in (
            ("line_too_long", np.flatnonzero(lengths > self._max_line_bytes)),
            ("null_byte", _lines_with_null(used, bounds)),
            ("invalid_utf8", _lines_not_utf8(used, bounds)),
        ):
            for at in positions:
                if not is_cut[at]:
                    is_cut[at] = True
                    raw = bytes(used[bounds.starts[at] : bounds.starts[at] + lengths[at]])
                    self._cut(self._next_number + int(at), raw, code)
        return is_cut

    def _cut(self, line_number: int, raw: bytes, code: str) -> None:
        details = {
            "line_too_long": f"The line has {len(raw)} bytes, more than the {self._max_line_bytes} "
            "that are taken. Split the event, or raise TALLYHOUSE_MAX_LINE_BYTES and replay.",
            "null_byte": "The line holds a null byte. Write the file as UTF-8 text.",
            "invalid_utf8": "The line is not UTF-8. Write the file in UTF-8.",
        }
        self._rejects.add(self._file.file_id, line_number, Reject(code, details[code]), raw)


def _lines_with_null(used: npt.NDArray[np.uint8], bounds: LineBounds) -> npt.NDArray[np.int64]:
    if not bounds.has_null:
        return np.empty(0, np.int64)
    return np.unique(np.searchsorted(bounds.ends, np.flatnonzero(used == 0)))


def _lines_not_utf8(used: npt.NDArray[np.uint8], bounds: LineBounds) -> npt.NDArray[np.int64]:
    if not bounds.is_beyond_ascii:
        return np.empty(0, np.int64)
    try:
        used.tobytes().decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return np.empty(0, np.int64)
    high = np.unique(np.searchsorted(bounds.ends, np.flatnonzero(used >= ASCII_END)))
    return np.array([at for at in high if not _is_utf8(used, bounds, int(at))], np.int64)


def _is_utf8(used: npt.NDArray[np.uint8], bounds: LineBounds, at: int) -> bool:
    try:
        bytes(used[bounds.starts[at] : bounds.ends[at]]).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
