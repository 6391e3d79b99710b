"""Columns that lie apart, laid out as rows: squares of cells are turned over in registers, and looked at on the way."""

# mypy: disable-error-code="no-untyped-def"
# Numba types this function by the signature below.

from __future__ import annotations

from functools import lru_cache
from typing import Any

from llvmlite import ir
from numba import types

from thalweg.engine.compile import INDICES, matrix, native, vector
from thalweg.engine.tiles import call_of, tile_shape
from thalweg.engine.vectors import INTEGER, Writer

# Rows of a column that are read before those of the next ones: some lines of memory.
STRETCH = 512
# Cells of the widest vector.
SEEN = 16


def _write_turn(writer: Writer) -> Any:
    """Copy ``rows`` cells of up to a vector's number of columns to where their rows stand.

    Arguments: a table of the columns' addresses, and of how many columns; the cell of each to begin with; out, and its
    distance from row to row; rows; a vector of cells that becomes nan where a cell is not finite.
    """

    def body(*given: Any) -> None:
        addresses, columns, first, out, out_row, rows, seen = given
        w, builder, side = writer, writer.builder, writer.lanes
        numbers = w.row_numbers(side, columns)
        heads = [builder.inttoptr(builder.load(w.at(addresses, k)), w.pointer) for k in numbers]
        width = w.mask(columns)
        bits = ir.VectorType(ir.IntType(8 * w.size), side)

        def square(number: Any, found: Any) -> list[Any]:
            top = w.times(number, side)
            left = builder.sub(rows, top)
            flags = w.mask(left)
            lines = [w.load(w.at(head, first, top), flags) for head in heads]
            for line in lines:  # x - x is 0 of any number, and nan of what is none
                found = builder.or_(found, builder.bitcast(builder.fsub(line, line), bits))
            for k, row in enumerate(w.turned(lines)):
                there = w.spread(builder.icmp_signed("<", INTEGER(k), left))
                w.store(row, w.at(out, w.times(builder.add(top, INTEGER(k)), out_row)), builder.and_(width, there))
            return [found]

        before = builder.bitcast(w.load(seen, w.mask(INTEGER(side))), bits)
        (found,) = w.loop(w.pieces(rows, side), [before], square)
        w.store(builder.bitcast(found, w.vector), seen, w.mask(INTEGER(side)))

    pointer = writer.pointer
    arguments = [INTEGER.as_pointer(), INTEGER, INTEGER, pointer, INTEGER, INTEGER, pointer]
    return writer.function("turn_columns", arguments, body)


_turn = call_of(_write_turn, "piipiip")


def as_rows(addresses, first, out, seen):
    """Write the cells of columns, from ``first`` on, into the rows of ``out``.

    Parameters
    ----------
    addresses : (columns,) int64
        Of the columns, which are contiguous and of the type of ``out``.
    first : int
    out : (rows, columns)
    seen : (SEEN,)
        Zeros; not all of them are where a cell is nan or infinite.
    """
    rows, columns = out.shape
    lanes = tile_shape(out)[1]
    for top in range(0, rows, STRETCH):
        some_rows = rows - top if rows - top < STRETCH else STRETCH
        for left in range(0, columns, lanes):
            some = columns - left if columns - left < lanes else lanes
            call = (addresses, left, some, first + top, out, top * columns + left, columns, some_rows, seen, 0)
            _turn(out, call)


@lru_cache(maxsize=2)
def turning(dtype: str) -> Any:
    """Return the compiled :func:`as_rows`."""
    return native(as_rows, types.void(INDICES, types.int64, matrix(dtype), vector(dtype)))
