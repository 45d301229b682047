"""Vector instructions for compiled functions: a few classify or copy 64 bytes, or compare 8 keys.

Numba cannot express vector instructions, so these functions are written in LLVM IR, which LLVM compiles for every
processor. One vector type becomes AVX-512, AVX2, SSE or NEON, depending on the machine.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core.cgutils import raw_memcpy
from numba.extending import intrinsic

BYTES: Final = 64  # bytes that a mask describes, one bit each
KEYS: Final = 8  # keys compared together: 32 bytes, half a cache line

_BYTE, _SUM, _KEY, _WORD = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_BYTE_VECTOR: Final = ir.VectorType(_BYTE, BYTES)
_SUM_VECTOR: Final = ir.VectorType(_SUM, BYTES)
_KEY_VECTOR: Final = ir.VectorType(_KEY, KEYS)
_Intrinsic = tuple[Any, Callable[..., Any]]


def byte_mask(wanted: Iterable[int]) -> Any:
    """Return a compiled function of (uint8 array, index) to a uint64 whose bit i is set if byte i is wanted."""
    ranges = _ranges(wanted)

    @intrinsic  # type: ignore[untyped-decorator]
    def mask(_: Any, array: Any, index: Any) -> _Intrinsic:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loaded = builder.load(_address(context, builder, signature, arguments, _BYTE_VECTOR), align=1)
            found = [_between(builder, loaded, first, last) for first, last in ranges]
            combined = found[0]
            for each in found[1:]:
                combined = builder.or_(combined, each)
            return builder.bitcast(combined, _WORD)

        return types.uint64(array, index), generate

    return mask


@intrinsic  # type: ignore[untyped-decorator]
def equal_bytes(_: Any, array: Any, index: Any, byte: Any) -> _Intrinsic:  # noqa: ARG001 (its type is given)
    """Return a uint64 whose bit i is set if a uint8 array has the byte at index + i."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_address(context, builder, signature, arguments, _BYTE_VECTOR), align=1)
        undefined = ir.Constant(_BYTE_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[2], ir.Constant(_KEY, 0))
        everywhere = builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_KEY, BYTES), [0] * BYTES))
        return builder.bitcast(builder.icmp_unsigned("==", loaded, everywhere), _WORD)

    return types.uint64(array, index, types.uint8), generate


@intrinsic  # type: ignore[untyped-decorator]
def repeated_letters(_: Any, array: Any, index: Any) -> _Intrinsic:
    """Return a uint64 whose bit i is set if the two bytes after index + i are the same ASCII letter, in any case.

    The bit is also set for some bytes that are no letters. The array must have 66 bytes from the index.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        case = ir.Constant(_BYTE_VECTOR, [0x20] * BYTES)
        first, second, third = (
            builder.or_(builder.load(builder.bitcast(address, _BYTE_VECTOR.as_pointer()), align=1), case)
            for address in (
                builder.gep(
                    context.make_array(signature.args[0])(context, builder, arguments[0]).data,
                    [builder.add(arguments[1], ir.Constant(arguments[1].type, step))],
                )
                for step in range(3)
            )
        )
        both = builder.and_(builder.icmp_unsigned("==", first, second), builder.icmp_unsigned("==", second, third))
        return builder.bitcast(both, _WORD)

    return types.uint64(array, index), generate


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of each run of consecutive numbers."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    lists = [[number for _, number in run] for _, run in runs]
    return [(run[0], run[-1]) for run in lists]


def _between(builder: Any, vector: Any, first: int, last: int) -> Any:
    constants = [ir.Constant(_BYTE_VECTOR, [number] * BYTES) for number in (first, last - first)]
    return builder.icmp_unsigned("<=", builder.sub(vector, constants[0]), constants[1])


def _address(context: Any, builder: Any, signature: Any, arguments: Any, kind: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), kind.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def load_word(_: Any, array: Any, index: Any) -> _Intrinsic:
    """Return the eight bytes of a uint8 array from an index, as a uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature, arguments, _WORD), align=1)

    return types.uint64(array, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def trailing_zeros(_: Any, word: Any) -> _Intrinsic:
    """Return the number of trailing zero bits of a uint64; 64 if all bits are 0."""

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(word), generate


@intrinsic  # type: ignore[untyped-decorator]
def ones(_: Any, word: Any) -> _Intrinsic:
    """Return the number of set bits of a uint64."""

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        return builder.ctpop(arguments[0])

    return types.int64(word), generate


@intrinsic  # type: ignore[untyped-decorator]
def equal_keys(_: Any, array: Any, index: Any, key: Any) -> _Intrinsic:  # noqa: ARG001 (its type is given)
    """Return a uint64 whose bit i, for i from 0 to 7, is set if a uint32 array has the key at index + i."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_address(context, builder, signature, arguments, _KEY_VECTOR), align=4)
        undefined = ir.Constant(_KEY_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[2], ir.Constant(_KEY, 0))
        everywhere = builder.shuffle_vector(first, undefined, ir.Constant(_KEY_VECTOR, [0] * KEYS))
        equal = builder.icmp_unsigned("==", loaded, everywhere)
        return builder.zext(builder.bitcast(equal, _BYTE), _WORD)

    return types.uint64(array, index, types.uint32), generate


@intrinsic  # type: ignore[untyped-decorator]
def copy_bytes(_: Any, out: Any, to: Any, array: Any, start: Any, size: Any) -> _Intrinsic:  # noqa: ARG001 (all are indices)
    """Copy `size` bytes of a uint8 array from `start` into another array at `to`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ends = [
            builder.gep(context.make_array(kind)(context, builder, array).data, [index])
            for kind, array, index in zip(signature.args[::2], arguments[::2], arguments[1::2], strict=False)
        ]
        raw_memcpy(builder, *ends, arguments[4], 1)
        return context.get_dummy_value()

    return types.void(out, types.intp, array, types.intp, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_rows(_: Any, sums: Any, rows: Any, first: Any, second: Any, third: Any, fourth: Any) -> _Intrinsic:
    """Add to each of 64 int16 sums a number of each of four rows: 64 int8 of an array, from an index."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature, [arguments[0], _WORD(0)], _SUM_VECTOR)
        row_array = context.make_array(signature.args[1])(context, builder, arguments[1])
        total = builder.load(place, align=2)
        for index in arguments[2:]:
            address = builder.bitcast(builder.gep(row_array.data, [index]), _BYTE_VECTOR.as_pointer())
            total = builder.add(total, builder.sext(builder.load(address, align=1), _SUM_VECTOR))
        builder.store(total, place, align=2)
        return context.get_dummy_value()

    return types.void(sums, rows, first, second, third, fourth), generate


@intrinsic  # type: ignore[untyped-decorator]
def greatest(_: Any, sums: Any) -> _Intrinsic:
    """Return the greatest of 64 int16 sums."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_address(context, builder, signature, [arguments[0], _WORD(0)], _SUM_VECTOR), align=2)
        size = BYTES
        while size > 1:  # the greater ones of both halves
            size //= 2
            halves = [
                builder.shuffle_vector(
                    loaded, loaded, ir.Constant(ir.VectorType(_KEY, size), [*range(first, first + size)])
                )
                for first in (0, size)
            ]
            loaded = builder.select(builder.icmp_signed(">", *halves), *halves)
        return builder.extract_element(loaded, ir.Constant(_KEY, 0))

    return types.int16(sums), generate


@intrinsic  # type: ignore[untyped-decorator]
def at_least(_: Any, sums: Any, least: Any) -> _Intrinsic:  # noqa: ARG001 (its type is given)
    """Return a uint64 whose bit i is set if sum i of 64 int16 sums is not below a limit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_address(context, builder, signature, [arguments[0], _WORD(0)], _SUM_VECTOR), align=2)
        undefined = ir.Constant(_SUM_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[1], ir.Constant(_KEY, 0))
        everywhere = builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_KEY, BYTES), [0] * BYTES))
        return builder.bitcast(builder.icmp_signed(">=", loaded, everywhere), _WORD)

    return types.uint64(sums, types.int16), generate
