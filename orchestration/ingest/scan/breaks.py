"""Where lines end in a run of bytes, and whether they hold what no line may. Compiled.

Belongs here: one pass over bytes of which nothing is known. Does not belong here: lines
(judging.py); what becomes of a null byte or of bytes that are no UTF-8 (line_files.py).
"""

from typing import Final

import numpy as np

from orchestration.ingest.scan.arrays import Bytes, Ints
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.memory import first_bit, line_marks
from orchestration.ingest.scan.tokens import NOTHING

LINE_FEED: Final = 10
ASCII_END: Final = 128
_BLOCK = 32
_FEEDS = np.uint64(0xFFFFFFFF)
_NULL, _BEYOND_ASCII = np.uint64(1 << 32), np.uint64(1 << 33)
_ONE = np.uint64(1)


@compiled
def find_line_feeds(text: Bytes, ends: Ints) -> tuple[int, bool, bool]:
    """Fill ends with the places of the line feeds in a text.

    Returns how many there are, whether any byte is null, and whether any is beyond ASCII. ends has
    room for as many as there are bytes.
    """
    length = text.shape[0]
    count = 0
    seen = NOTHING
    whole = length // _BLOCK * _BLOCK
    for at in range(0, whole, _BLOCK):
        marks = line_marks(text, at)
        seen |= marks
        feeds = marks & _FEEDS
        while feeds != NOTHING:
            ends[count] = at + first_bit(feeds)
            count += 1
            feeds &= feeds - _ONE
    for at in range(whole, length):
        if text[at] == LINE_FEED:
            ends[count] = at
            count += 1
        elif text[at] == 0:
            seen |= _NULL
        elif text[at] >= ASCII_END:
            seen |= _BEYOND_ASCII
    return count, (seen & _NULL) != NOTHING, (seen & _BEYOND_ASCII) != NOTHING
