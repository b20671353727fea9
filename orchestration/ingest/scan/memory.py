"""Several bytes of an array at once: what Numba has no words for, said in those of LLVM.

Belongs here: reads and writes of words and blocks at any position. Does not belong here: what the
bytes mean.

No bound is looked at: an array that is read or written by these has PADDING bytes more than what
is in use.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from orchestration.ingest.scan.arrays import Bytes

PADDING: Final = 64
_BLOCK_BYTES: Final = 32
_BYTE, _HALF, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_BLOCK: Final = ir.VectorType(_BYTE, _BLOCK_BYTES)


def padded(text: bytes) -> Bytes:
    """Return a text that these may read."""
    return np.frombuffer(text + bytes(PADDING), np.uint8).copy()


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _loaded(builder: Any, pointer: Any) -> Any:
    value = builder.load(pointer)
    value.align = 1
    return value


def _load_word(_typing: Any, array: Any, at: Any) -> Any:
    """Return eight bytes as a number, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _loaded(
            builder, _pointer(context, builder, array, arguments[0], arguments[1], _WORD)
        )

    return types.uint64(array, types.int64), generate


def _store_word(_typing: Any, array: Any, at: Any, word: Any) -> Any:
    """Write a number as eight bytes, the lowest one first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, arguments[0], arguments[1], _WORD)
        builder.store(arguments[2], pointer).align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


def _copy_block(_typing: Any, target: Any, to: Any, source: Any, at: Any) -> Any:
    """Copy 32 bytes, however many of them are wanted."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(
            builder, _pointer(context, builder, source, arguments[2], arguments[3], _BLOCK)
        )
        pointer = _pointer(context, builder, target, arguments[0], arguments[1], _BLOCK)
        builder.store(block, pointer).align = 1
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64), generate


def _each(byte: int) -> Any:
    return ir.Constant(_BLOCK, [byte] * _BLOCK_BYTES)


def _text_marks(_typing: Any, array: Any, at: Any) -> Any:
    """Return which of 32 bytes end a text or break it: quotes, backslashes, control characters.

    Bit n stands for the byte n places on.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(
            builder, _pointer(context, builder, array, arguments[0], arguments[1], _BLOCK)
        )
        quote = builder.icmp_unsigned("==", block, _each(ord('"')))
        backslash = builder.icmp_unsigned("==", block, _each(ord("\\")))
        control = builder.icmp_unsigned("<", block, _each(32))
        marks = builder.or_(builder.or_(quote, backslash), control)
        return builder.zext(builder.bitcast(marks, _HALF), _WORD)

    return types.uint64(array, types.int64), generate


def _line_marks(_typing: Any, array: Any, at: Any) -> Any:
    """Return which of 32 bytes are line feeds, and whether any is a null byte or beyond ASCII.

    Bit n stands for the byte n places on, bit 32 for a null byte, bit 33 for one beyond ASCII.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(
            builder, _pointer(context, builder, array, arguments[0], arguments[1], _BLOCK)
        )

        def found(place: int, which: Any) -> Any:
            bits = builder.bitcast(which, _HALF)
            is_any = builder.icmp_unsigned("!=", bits, ir.Constant(_HALF, 0))
            return builder.shl(builder.zext(is_any, _WORD), ir.Constant(_WORD, place))

        feeds = builder.bitcast(builder.icmp_unsigned("==", block, _each(ord("\n"))), _HALF)
        null = found(32, builder.icmp_unsigned("==", block, _each(0)))
        beyond = found(33, builder.icmp_unsigned(">", block, _each(127)))
        return builder.or_(builder.zext(feeds, _WORD), builder.or_(null, beyond))

    return types.uint64(array, types.int64), generate


def _first_bit(_typing: Any, marks: Any) -> Any:
    """Return the position of the lowest bit of a number that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


_made: Any = intrinsic  # its types are those of the generating function
load_word: Final[Callable[[Bytes, int], np.uint64]] = _made(_load_word)
store_word: Final[Callable[[Bytes, int, np.uint64], None]] = _made(_store_word)
copy_block: Final[Callable[[Bytes, int, Bytes, int], None]] = _made(_copy_block)
text_marks: Final[Callable[[Bytes, int], np.uint64]] = _made(_text_marks)
line_marks: Final[Callable[[Bytes, int], np.uint64]] = _made(_line_marks)
first_bit: Final[Callable[[np.uint64], int]] = _made(_first_bit)
