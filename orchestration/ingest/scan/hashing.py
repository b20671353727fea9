"""The hashes of the good events of a batch: messages, and md5 of many of them at once. Compiled.

Belongs here: the encoding of digests.py once more, and md5 over sixteen messages side by side.
Does not belong here: what the hashes mean (digests.py).
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from orchestration.ingest.scan.arrays import Bytes, Columns, Ints, Lanes
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.memory import copy_block, store_word

BLOCK: Final = 64
_LENGTH_BYTES: Final = 8
LANES: Final = 16
_SINES = np.array([int(abs(math.sin(n + 1)) * 2**32) & 0xFFFFFFFF for n in range(64)], np.uint32)
_SHIFTS = np.array([(7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21)], np.uint32)
_ORDERS: Final = ((1, 0), (5, 1), (3, 5), (7, 0))  # the word of step n of each round
_WORDS = np.array([(factor * step + first) % 16 for factor, first in _ORDERS for step in range(16)])
_START = np.array([0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476], np.uint32)
_POWERS = np.array([10**n for n in range(19)], np.int64)
_EIGHT_DIGITS = np.uint64(10**8)
_SIXTEEN_DIGITS: Final = 10**16
_NOUGHTS = np.uint64(0x3030303030303030)
_SIXTY_BITS = np.uint64((1 << 60) - 1)


@compiled
def put_bytes(messages: Bytes, at: int, text: Bytes, start: int, length: int) -> int:
    """Append a span to a message; return its new end."""
    for place in range(0, length, 32):
        copy_block(messages, at + place, text, start + place)
    return at + length


@compiled
def eight_digits(number: np.uint64) -> np.uint64:
    """Return a number below 10^8 as the word of its eight digits, noughts in front."""
    upper = number // np.uint64(10_000)
    fours = upper | ((number - upper * np.uint64(10_000)) << np.uint64(32))
    hundreds = ((fours * np.uint64(10_486)) >> np.uint64(20)) & np.uint64(0x7F0000007F)
    twos = hundreds | ((fours - hundreds * np.uint64(100)) << np.uint64(16))
    tens = ((twos * np.uint64(103)) >> np.uint64(10)) & np.uint64(0x000F000F000F000F)
    ones = tens | ((twos - tens * np.uint64(10)) << np.uint64(8))
    return ones | _NOUGHTS


@compiled
def put_digits(messages: Bytes, at: int, number: int) -> int:
    """Append a number that is not negative digit by digit; return the message's new end."""
    digits = 1
    while digits < len(_POWERS) and number >= _POWERS[digits]:
        digits += 1
    for place in range(at + digits - 1, at - 1, -1):
        rest = number // 10
        messages[place] = 48 + (number - rest * 10)
        number = rest
    return at + digits


@compiled
def put_number(messages: Bytes, at: int, number: int) -> int:
    """Append a whole number in plain digits; return the message's new end."""
    if number < 0:
        messages[at] = 45
        at += 1
        number = -number
    if number >= _SIXTEEN_DIGITS:
        head = number // _SIXTEEN_DIGITS
        rest = np.uint64(number - head * _SIXTEEN_DIGITS)
        at = put_digits(messages, at, head)
        upper = rest // _EIGHT_DIGITS
        store_word(messages, at, eight_digits(upper))
        store_word(messages, at + 8, eight_digits(rest - upper * _EIGHT_DIGITS))
        return at + 16
    return put_digits(messages, at, number)


@compiled
def end_message(messages: Bytes, start: int, end: int) -> int:
    """Pad a message as md5 does; return the end of its last block."""
    after = start + (end - start + _LENGTH_BYTES) // BLOCK * BLOCK + BLOCK
    store_word(messages, end, np.uint64(0x80))
    for place in range(end + 8, after - _LENGTH_BYTES, 8):
        store_word(messages, place, np.uint64(0))
    store_word(messages, after - _LENGTH_BYTES, np.uint64((end - start) * 8))
    return after


def lanes() -> Lanes:
    """Return room for sixteen messages."""
    return Lanes(*(np.zeros((parts, LANES), np.uint32) for parts in (4, 4, 16)))


@compiled
def _mix(lanes: Lanes) -> None:
    """Take one block of every lane into its state."""
    state, before, block = lanes.state, lanes.before, lanes.block
    for part in range(4):
        for lane in range(LANES):
            before[part, lane] = state[part, lane]
    a, b, c, d = 0, 1, 2, 3
    for step in range(64):
        word, sine = _WORDS[step], _SINES[step]
        left = _SHIFTS[step // 16, step % 4]
        right = np.uint32(32) - left
        turn = step // 16
        for lane in range(LANES):
            x, y, z = state[b, lane], state[c, lane], state[d, lane]
            if turn == 0:
                mixed = z ^ (x & (y ^ z))
            elif turn == 1:
                mixed = y ^ (z & (x ^ y))
            elif turn == 2:
                mixed = x ^ y ^ z
            else:
                mixed = y ^ (x | ~z)
            total = np.uint32(mixed + state[a, lane] + block[word, lane] + sine)
            state[a, lane] = np.uint32(x + np.uint32((total << left) | (total >> right)))
        a, b, c, d = d, a, b, c
    for part in range(4):
        for lane in range(LANES):
            state[part, lane] += before[part, lane]


@compiled
def _load_blocks(
    words: npt.NDArray[np.uint32], message_at: Ints, first: int, after: int, turn: int, lanes: Lanes
) -> None:
    """Put a block of each message that still has one into its lane."""
    for message in range(first, after):
        if message_at[message] + turn < message_at[message + 1]:
            at = (message_at[message] + turn) * 16
            for word in range(16):
                lanes.block[word, message - first] = words[at + word]


@compiled
def hash_messages(
    words: npt.NDArray[np.uint32],
    message_at: Ints,
    count: int,
    digests: npt.NDArray[np.uint32],
    lanes: Lanes,
) -> None:
    """Fill digests (count, 4) with the md5 of each message.

    words are the padded messages; message_at holds the first block of each, and the end.
    """
    for first in range(0, count, LANES):
        after = min(first + LANES, count)
        longest = 0
        for message in range(first, after):
            longest = max(longest, message_at[message + 1] - message_at[message])
        for part in range(4):
            for lane in range(LANES):
                lanes.state[part, lane] = _START[part]
        for turn in range(longest):
            _load_blocks(words, message_at, first, after, turn, lanes)
            _mix(lanes)
            for message in range(first, after):
                if message_at[message] + turn + 1 == message_at[message + 1]:
                    for part in range(4):
                        digests[message, part] = lanes.state[part, message - first]


@compiled
def _joined(low: np.uint32, high: np.uint32) -> np.uint64:
    return np.uint64(low) | (np.uint64(high) << np.uint64(32))


@compiled
def put_hashes(count: int, digests: npt.NDArray[np.uint32], columns: Columns) -> None:
    """Fill columns.hashes of the first rows from the md5 of their identities and values."""
    for row in range(count):
        key, values = 2 * row, 2 * row + 1
        key_low = _joined(digests[key, 0], digests[key, 1])
        key_high = _joined(digests[key, 2], digests[key, 3])
        low = _joined(digests[values, 0], digests[values, 1])
        high = _joined(digests[values, 2], digests[values, 3])
        low ^= key_low ^ columns.names[row, 0]
        high ^= key_high ^ columns.names[row, 1]
        columns.hashes[0, row] = np.int64(key_high >> np.uint64(4))
        columns.hashes[1, row] = np.int64(high >> np.uint64(4))
        columns.hashes[2, row] = np.int64(
            ((low >> np.uint64(8)) | (high << np.uint64(56))) & _SIXTY_BITS
        )
