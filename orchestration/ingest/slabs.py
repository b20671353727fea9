"""Slabs: batches of lines shared out among threads, and gathered again by many.

Belongs here: where a slab ends, whose turn it is to read, who finishes a slab. Does not belong
here: what is done to a batch; what a finished slab becomes.

A thread reads a batch and works on it at once, while its bytes are near; only reading is done in
turn. Where a slab ends depends on the batches alone, so the same files give the same slabs.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import pyarrow as pa

LINES_PER_SLAB: Final = 200_000
BYTES_PER_SLAB: Final = 128 << 20

Result = TypeVar("Result")


@dataclass
class _Slab(Generic[Result]):
    number: int
    results: dict[int, Result] = field(default_factory=dict)
    batch_count: int = 0
    line_count: int = 0
    byte_count: int = 0
    is_closed: bool = False

    @property
    def is_full(self) -> bool:
        return self.line_count >= LINES_PER_SLAB or self.byte_count >= BYTES_PER_SLAB

    @property
    def is_finished(self) -> bool:
        return self.is_closed and len(self.results) == self.batch_count


@dataclass(frozen=True)
class FinishedSlab(Generic[Result]):
    """What was made of the batches of a slab, in their order."""

    number: int
    results: list[Result]


class Slabs(Generic[Result]):
    """A stream of batches that several threads work on.

    Attributes:
        turn: held by the thread that reads; whoever must not work beside reading takes it too.
    """

    def __init__(
        self, batches: Iterator[pa.RecordBatch], work: Callable[[pa.RecordBatch], Result]
    ) -> None:
        self.turn = threading.Lock()
        self._batches = batches
        self._work = work
        self._open: _Slab[Result] = _Slab(0)
        self._is_stopped = False

    def stop(self) -> None:
        """Let every thread end after the batch that it works on."""
        self._is_stopped = True

    def finished(self) -> Iterator[FinishedSlab[Result]]:
        """Work on batches until there are no more; yield the slabs whose last batch was done here.

        Raises:
            Exception: whatever reading or the work raised. The other threads then end, too.
        """
        try:
            while (taken := self._take()) is not None:
                slab, place, batch = taken
                result = self._work(batch)
                with self.turn:
                    slab.results[place] = result
                    is_finished = slab.is_finished
                if is_finished:
                    yield _in_order(slab)
            if (last := self._close_last()) is not None:
                yield last
        except BaseException:
            self.stop()
            raise

    def _take(self) -> tuple[_Slab[Result], int, pa.RecordBatch] | None:
        """Read the next batch; return it with its slab and its place there."""
        with self.turn:
            if self._is_stopped:
                return None
            batch = next(self._batches, None)
            if batch is None:
                return None
            slab, place = self._open, self._open.batch_count
            slab.batch_count += 1
            slab.line_count += batch.num_rows
            slab.byte_count += batch.nbytes
            if slab.is_full:
                slab.is_closed = True
                self._open = _Slab(slab.number + 1)
            return slab, place, batch

    def _close_last(self) -> FinishedSlab[Result] | None:
        """Close the slab that the stream ended in; return it if nobody works on it any more."""
        with self.turn:
            slab, self._open = self._open, _Slab(self._open.number + 1)
            slab.is_closed = True
            return _in_order(slab) if slab.batch_count and slab.is_finished else None


def _in_order(slab: _Slab[Result]) -> FinishedSlab[Result]:
    return FinishedSlab(slab.number, [slab.results[at] for at in range(slab.batch_count)])
