"""Where lines end in a run of bytes, and whether they hold what no line may. Compiled.

Belongs here: one pass over bytes of which nothing is known. Does not belong here: lines
(judging.py); what becomes of a null byte or of bytes that are no UTF-8 (line_files.py).
"""

import numpy as np

from orchestration.ingest.scan.arrays import Bytes, Ints
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.memory import first_bit, line_marks

_BLOCK = 32
_FEEDS = np.uint64(0xFFFFFFFF)
_NULL, _BEYOND_ASCII = np.uint64(1 << 32), np.uint64(1 << 33)
_NOTHING = np.uint64(0)
_ONE = np.uint64(1)


@compiled
def find_line_feeds(text: Bytes, ends: Ints) -> tuple[int, bool, bool]:
    """Fill ends with the places of the line feeds in a text.

    Returns how many there are, whether any byte is null, and whether any is beyond ASCII. ends has
    room for as many as there are bytes.
    """
    length = text.shape[0]
    count = 0
    seen = _NOTHING
    whole = length // _BLOCK * _BLOCK
    for at in range(0, whole, _BLOCK):
        marks = line_marks(text, at)
        seen |= marks
        feeds = marks & _FEEDS
        while feeds != _NOTHING:
            ends[count] = at + first_bit(feeds)
            count += 1
            feeds &= feeds - _ONE
    for at in range(whole, length):
        if text[at] == 10:
            ends[count] = at
            count += 1
        elif text[at] == 0:
            seen |= _NULL
        elif text[at] > 127:
            seen |= _BEYOND_ASCII
    return count, (seen & _NULL) != _NOTHING, (seen & _BEYOND_ASCII) != _NOTHING
