"""Batches are worked on by several threads, and gathered into the same slabs whoever was first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pyarrow as pa
import pytest

from orchestration.ingest.slabs import Slabs


def batch(first, count):
    return pa.record_batch({"number": list(range(first, first + count))})


def batches(count, lines_each=3):
    return iter([batch(at * lines_each, lines_each) for at in range(count)])


def numbers_in(one):
    numbers = one.column("number").to_pylist()
    time.sleep(numbers[0] * 7 % 5 / 5_000)  # so that threads overtake one another
    return numbers


def gathered(slabs, threads):
    with ThreadPoolExecutor(threads) as pool:
        working = [pool.submit(lambda: list(slabs.finished())) for _ in range(threads)]
        found = [slab for one in working for slab in one.result()]
    return sorted((slab.number, [*chain.from_iterable(slab.results)]) for slab in found)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 40])
def test_each_slab_is_finished_once_and_its_batches_are_in_order(monkeypatch, threads, count):
    monkeypatch.setattr("orchestration.ingest.slabs.LINES_PER_SLAB", 12)
    expected = [
        (number, list(range(12 * number, min(12 * number + 12, 3 * count))))
        for number in range(-(-3 * count // 12))
    ]
    assert expected == gathered(Slabs(batches(count), numbers_in), threads)


def test_a_slab_ends_by_its_bytes_too(monkeypatch):
    monkeypatch.setattr("orchestration.ingest.slabs.BYTES_PER_SLAB", batch(0, 3).nbytes * 2)
    assert [6, 6, 3] == [len(found) for _, found in gathered(Slabs(batches(5), numbers_in), 2)]


def test_only_one_thread_reads_at_a_time():
    reading = threading.Lock()

    def source():
        for one in batches(50):
            assert reading.acquire(blocking=False)
            time.sleep(0.0005)
            reading.release()
            yield one

    assert [list(range(150))] == [found for _, found in gathered(Slabs(source(), numbers_in), 4)]


def test_what_reading_raises_ends_every_thread():
    def source():
        yield from batches(3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        gathered(Slabs(source(), numbers_in), 3)


def test_what_the_work_raises_ends_every_thread():
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield batch(read[-1], 1)

    def fail_at_seven(one):
        if one.column("number")[0].as_py() == 7:
            raise ValueError("seven")
        return [one]

    with pytest.raises(ValueError, match="seven"):
        gathered(Slabs(endless(), fail_at_seven), 3)


def test_a_stopped_stream_hands_out_nothing_more():
    slabs = Slabs(batches(5), numbers_in)
    slabs.stop()
    assert [] == gathered(slabs, 2)
