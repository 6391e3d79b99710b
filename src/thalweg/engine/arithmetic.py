"""Arithmetic that kernels share: one fused multiply-add, one order of summation."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import make_array, populate_array

# Functions that kernels take in: nobody calls them from C, and the way in from there is compiled for nothing.
NESTED = {"no_cfunc_wrapper": True}
nested = register_jitable(**NESTED)


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Fused multiply-add ``a * b + c``, rounded once."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), generate


@intrinsic
def _unseen(typing_context: Any, x: Any) -> Any:
    """Return ``x`` by a way on which the optimiser does not see that it is a constant."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        bits = ir.IntType(64)
        given = builder.bitcast(arguments[0], bits)
        passed = builder.asm(ir.FunctionType(bits, [bits]), "", "=r,0", [given], side_effect=False)
        return builder.bitcast(passed, ir.DoubleType())

    return types.float64(types.float64), generate


@intrinsic
def hidden(typing_context: Any, index: Any) -> Any:
    """Return an index by a way that the optimiser cannot follow.

    Before a loop over rows it would test, once for all rows, whether they overlap; a table whose rows lie between
    each other's never passes.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        bits = ir.IntType(64)
        return builder.asm(ir.FunctionType(bits, [bits]), "", "=r,0", list(arguments), side_effect=False)

    return types.uint64(types.uint64), generate


@intrinsic
def fetch(typing_context: Any, array: Any, cell: Any) -> Any:
    """Ask the memory for the line that holds a cell of a C-ordered array, and do not wait for it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        given = make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(given.data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        asked = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(asked, [place, word(0), word(3), word(1)])  # to read, to be kept, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@nested
def power(base, exponent):  # type: ignore[no-untyped-def]
    """``base ** exponent`` of two numbers as Python computes it for floats.

    With a constant in sight the optimiser takes short cuts (``x**3`` is ``x * x * x``, ``x**0.5`` a root, ``2**x``
    another function) that differ in the last place.
    """
    return _unseen(float(base)) ** _unseen(float(exponent))


@nested
def dot(x, w, n):  # type: ignore[no-untyped-def]
    """Sum ``x[j] * w[j]``: eight running sums over whole blocks of eight, then the rest, always in this order."""
    zero = x.dtype.type(0)
    blocks = n - n % 8
    tail = zero
    for j in range(blocks, n):
        tail = fma(x[j], w[j], tail)
    if blocks == 0:
        return tail
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
    for j in range(0, blocks, 8):
        s0 = fma(x[j], w[j], s0)
        s1 = fma(x[j + 1], w[j + 1], s1)
        s2 = fma(x[j + 2], w[j + 2], s2)
        s3 = fma(x[j + 3], w[j + 3], s3)
        s4 = fma(x[j + 4], w[j + 4], s4)
        s5 = fma(x[j + 5], w[j + 5], s5)
        s6 = fma(x[j + 6], w[j + 6], s6)
        s7 = fma(x[j + 7], w[j + 7], s7)
    return (((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))) + tail


@nested
def total(x, n):  # type: ignore[no-untyped-def]
    """Sum ``x[:n]`` in the order of :func:`dot`."""
    zero = x.dtype.type(0)
    blocks = n - n % 8
    tail = zero
    for j in range(blocks, n):
        tail += x[j]
    if blocks == 0:
        return tail
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
    for j in range(0, blocks, 8):
        s0 += x[j]
        s1 += x[j + 1]
        s2 += x[j + 2]
        s3 += x[j + 3]
        s4 += x[j + 4]
        s5 += x[j + 5]
        s6 += x[j + 6]
        s7 += x[j + 7]
    return (((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))) + tail


def _view(context: Any, builder: ir.IRBuilder, kind: Any, data: Any, shape: list[Any]) -> Any:
    """Make an array over cells that others own, and that live longer than the kernel."""
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [size]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    made = make_array(kind)(context, builder)
    populate_array(made, data, shape, strides, size, None)
    return made._getvalue()


@intrinsic
def block(typing_context: Any, buffer: Any, start: Any, rows: Any, columns: Any) -> Any:
    """View part of a flat buffer as a C-ordered matrix (a tenth of a second less to compile than a reshaped slice)."""
    kind = types.Array(buffer.dtype, 2, "C", readonly=not buffer.mutable)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        _, start, *shape = arguments
        given = make_array(signature.args[0])(context, builder, arguments[0])
        if context.enable_boundscheck:
            end = builder.add(start, builder.mul(*shape))
            with builder.if_then(builder.icmp_signed(">", end, start)):
                cgutils.do_boundscheck(context, builder, start, given.nitems)
                cgutils.do_boundscheck(context, builder, builder.sub(end, end.type(1)), given.nitems)
        return _view(context, builder, kind, builder.gep(given.data, [start]), shape)

    return kind(buffer, types.intp, types.intp, types.intp), generate


@intrinsic
def flat(typing_context: Any, table: Any) -> Any:
    """View a C-ordered matrix as one vector."""
    kind = types.Array(table.dtype, 1, "C", readonly=not table.mutable)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        given = make_array(signature.args[0])(context, builder, arguments[0])
        return _view(context, builder, kind, given.data, [given.nitems])

    return kind(table), generate


@intrinsic
def address_of(typing_context: Any, array: Any) -> Any:
    """Return the address of an array's first cell."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        given = make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(given.data, ir.IntType(64))

    return types.int64(array), generate


@intrinsic
def matrix_at(typing_context: Any, address: Any, rows: Any, columns: Any, kind: Any) -> Any:
    """View cells of a kind, from an address on, as a C-ordered matrix."""
    made = types.Array(kind.instance_type, 2, "C")

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        cells = builder.inttoptr(arguments[0], context.get_data_type(made.dtype).as_pointer())
        return _view(context, builder, made, cells, list(arguments[1:3]))

    return made(types.int64, types.int64, types.int64, kind), generate


@intrinsic
def vector_at(typing_context: Any, address: Any, size: Any, kind: Any) -> Any:
    """View cells of a kind, from an address on, as a vector."""
    made = types.Array(kind.instance_type, 1, "C")

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        cells = builder.inttoptr(arguments[0], context.get_data_type(made.dtype).as_pointer())
        return _view(context, builder, made, cells, [arguments[1]])

    return made(types.int64, types.int64, kind), generate


@nested
def correction_over(base):  # type: ignore[no-untyped-def]
    """Return the t after which ``1 - base**t`` is 1.0: ``base**t < exp(-37.5) < 2**-54``."""
    if base == 0.0:
        return 0.0
    return -37.5 / math.log(base) if 0.0 < base < 1.0 else math.inf
