"""Matrix products of our own: small ones pay no way into BLAS, and none depends on a library or on its threads.

Each cell of a product is one chain of fused multiply-adds, from its start on, in the order of the rows that are summed
over. No tile, no width of a vector and no block changes that order: a product has the same bits on every processor
that has a fused multiply-add. Dot products (:func:`dots`) have an order of their own, equally fixed.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by their arguments.

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from thalweg.engine.arithmetic import address_of, nested
from thalweg.engine.tiles import (
    dots_call,
    empty_panel,
    first_cell,
    pack_columns,
    pack_rows,
    slim_tile,
    strips_call,
    sums_call,
    tile_shape,
    wide_tile,
)
from thalweg.engine.vectors import INTEGER

# -- matrices as products take them: one type for all layouts, so that a product is compiled once per precision


# Cells that hold the address of a matrix, its shape and its distances.
DESCRIBED = 5
# Beyond any row or column.
ALL = 1 << 62


def _made(context: Any, builder: ir.IRBuilder, kind: Any, array: Any, shape: list[Any], cells: list[Any]) -> Any:
    """Matrix of a shape over the cells of an array, with distances from row to row and column to column in cells."""
    return _at(context, builder, kind, first_cell(context, builder, kind, array), shape, cells)


def _at(context: Any, builder: ir.IRBuilder, kind: Any, data: Any, shape: list[Any], cells: list[Any]) -> Any:
    size = INTEGER(kind.dtype.bitwidth // 8)
    made = context.make_array(types.Array(kind.dtype, 2, "A"))(context, builder)
    strides = [builder.mul(n, size) for n in cells]
    context.populate_array(made, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return made._getvalue()


def _shape(context: Any, builder: ir.IRBuilder, kind: Any, array: Any) -> list[Any]:
    shape: list[Any] = cgutils.unpack_tuple(builder, context.make_array(kind)(context, builder, array).shape)
    return shape


@intrinsic
def upright(typing_context: Any, matrix: Any) -> Any:
    """View a C-ordered matrix as :func:`product` takes it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        rows, columns = _shape(context, builder, matrix, arguments[0])
        return _made(context, builder, matrix, arguments[0], [rows, columns], [columns, INTEGER(1)])

    return types.Array(matrix.dtype, 2, "A")(matrix), generate


@intrinsic
def turned(typing_context: Any, matrix: Any) -> Any:
    """View the transpose of a C-ordered matrix as :func:`product` takes it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        rows, columns = _shape(context, builder, matrix, arguments[0])
        return _made(context, builder, matrix, arguments[0], [columns, rows], [INTEGER(1), columns])

    return types.Array(matrix.dtype, 2, "A")(matrix), generate


@intrinsic
def repeated(typing_context: Any, row: Any, rows: Any) -> Any:
    """View a matrix of one row as one of that many equal rows."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        columns = _shape(context, builder, row, arguments[0])[1]
        return _made(context, builder, row, arguments[0], [arguments[1], columns], [INTEGER(0), INTEGER(1)])

    return types.Array(row.dtype, 2, "A")(row, types.int64), generate


@intrinsic
def nothing(typing_context: Any, like: Any) -> Any:
    """View no cell: the start of a product that starts at zero."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        none = [INTEGER(0), INTEGER(0)]
        return _made(context, builder, like, arguments[0], none, [INTEGER(0), INTEGER(1)])

    return types.Array(like.dtype, 2, "A")(like), generate


@intrinsic
def distances(typing_context: Any, matrix: Any) -> Any:
    """Distances from row to row and from column to column, in cells."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        given = context.make_array(matrix)(context, builder, arguments[0])
        bits = INTEGER((matrix.dtype.bitwidth // 8).bit_length() - 1)
        strides = cgutils.unpack_tuple(builder, given.strides)
        return context.make_tuple(builder, signature.return_type, [builder.ashr(s, bits) for s in strides])

    return types.UniTuple(types.int64, 2)(matrix), generate


@intrinsic
def matrix_of(typing_context: Any, job: Any, place: Any, kind: Any) -> Any:
    """View the matrix that :func:`describe` wrote down, of cells of a kind."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        cells = builder.gep(context.make_array(job)(context, builder, arguments[0]).data, [arguments[1]])
        address, *shape = [builder.load(builder.gep(cells, [INTEGER(k)])) for k in range(DESCRIBED)]
        made = types.Array(kind.instance_type, 2, "A")
        place = builder.inttoptr(address, context.get_data_type(made.dtype).as_pointer())
        return _at(context, builder, made, place, shape[:2], shape[2:])

    return types.Array(kind.instance_type, 2, "A")(job, types.int64, kind), generate


@nested
def describe(job, place, matrix):
    """Write a matrix down in ``DESCRIBED`` cells: address, rows, columns, cells from row to row, column to column."""
    job[place] = address_of(matrix)
    job[place + 1], job[place + 2] = matrix.shape
    job[place + 3], job[place + 4] = distances(matrix)


# -- products


@nested
def product(a, b, start, out, top=0, bottom=ALL, left=0, right=ALL):
    """Write ``start + a @ b`` into ``out``.

    Parameters
    ----------
    a : (rows, depth)
    b : (depth, columns)
        Contiguous along its rows or its columns.
    start : (rows, columns)
        Contiguous along its rows; may be ``out`` itself; without cells (:func:`nothing`) the sums start at zero.
    out : (rows, columns)
        Contiguous along its rows; shares no cell with ``a`` or ``b``.
    top, bottom, left, right : int
        The rows and columns of ``out`` to write; all without.

    All four are views by the functions above.
    """
    rows, depth = a.shape
    columns, given = b.shape[1], start.shape[1]
    if b.shape[0] != depth or out.shape[0] != rows or out.shape[1] != columns:
        raise ValueError("the shapes of a product do not fit")
    if given > 0 and (start.shape[0] != rows or given != columns):
        raise ValueError("the shape of a product's start does not fit")
    a_row, a_step = distances(a)
    b_step, b_column = distances(b)
    out_row, _ = distances(out)
    tile_rows, lanes = tile_shape(a)
    panel = empty_panel(a)
    most = panel.size // (2 * lanes)
    rows, columns = bottom if bottom < rows else rows, right if right < columns else columns
    for n in range(left, columns, 2 * lanes):
        some_columns = columns - n if columns - n < 2 * lanes else 2 * lanes
        width = lanes if some_columns <= lanes else 2 * lanes
        k = 0
        while True:
            steps = depth - k if depth - k < most else most
            for side in range(0, width, lanes):
                beside = some_columns - side
                if b_column == 1:
                    pack_rows(b, (b, k * b_step + n + side, b_step, panel, side, width, beside, steps))
                else:
                    at = k * b_step + (n + side) * b_column
                    pack_columns(b, (b, at, b_column, panel, side, width, beside, steps))
            before = start if k == 0 else out  # go on where the last steps left off
            before_row, _ = distances(before)
            asked = some_columns if k > 0 or given > 0 else 0
            for m in range(top, rows, tile_rows):
                some_rows = rows - m if rows - m < tile_rows else tile_rows
                a_at, before_at, out_at = m * a_row + k * a_step, m * before_row + n, m * out_row + n
                tile = (
                    a, a_at, a_row, a_step, panel, 0, before, before_at, before_row, asked, out, out_at, out_row,
                    some_rows, some_columns, steps,
                )  # fmt: skip
                if width == lanes:
                    slim_tile(a, tile)
                else:
                    wide_tile(a, tile)
            k += steps
            if k >= depth:
                break


@nested
def strips(weights, at, row, step, start, matrix, out):
    """Write ``start + a @ matrix`` into ``out``, both C-ordered: the sums of :func:`product`, for few rows or steps.

    ``a[r, k]`` is ``weights[at + r * row + k * step]``; ``weights[start + r]`` starts all of a row, or zero where
    ``start`` is negative.
    """
    rows, columns = out.shape
    depth = matrix.shape[0]
    if matrix.shape[1] != columns:
        raise ValueError("the shapes of a product do not fit")
    before = start if start > 0 else 0
    call = (weights, at, row, step, matrix, 0, depth, weights, before, start + 1, out, 0, rows, columns)
    strips_call(out, call)


@nested
def dots(x, y, out, at, row, column):
    """Write ``x @ y.T`` of two C-ordered matrices as dot products: ``out[at + r * row + c * column]``."""
    length = x.shape[1]
    if y.shape[1] != length:
        raise ValueError("the lengths of a dot product do not fit")
    dots_call(out, (x, 0, x.shape[0], y, 0, y.shape[0], length, out, at, row, column))


@nested
def sums(x, out, at):
    """Write the sum of every row of a C-ordered matrix, from ``out[at]`` on, in the order of a dot product."""
    sums_call(out, (x, 0, x.shape[0], x, 0, 1, x.shape[1], out, at, 1, 0))
