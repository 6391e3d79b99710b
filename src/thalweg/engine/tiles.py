"""What matrix products are made of: tiles of cells that stay in registers, packed panels, strips and dot products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from thalweg.engine.vectors import INDEX, INTEGER, Processor, Writer

# Vectors side by side in a wide tile, and bytes of the packed panel: half of a small first-level cache.
VECTORS, PANEL_BYTES = 2, 16384
# Running sums of a dot product, in bytes: the order of summation must not depend on the processor's vectors.
DOT_BYTES, DOTS = 64, 8
# Vectors of a strip.
STRIP = 4


def _write_tile(writer: Writer, vectors: int) -> Any:
    """``out = start + a @ panel`` for up to a tile of rows and ``vectors`` vectors of columns.

    Arguments: a and its distances from row to row and from step to step; the packed panel; start, its distance from
    row to row and how many of its columns count (0 to start at zero); out and its distance from row to row; rows,
    columns and steps.
    """

    def body(*given: Any) -> None:
        a, a_row, a_step, panel, start, start_row, asked, out, out_row, m, n, steps = given
        w, builder = writer, writer.builder
        places = [v * w.lanes for v in range(vectors)]
        numbers = w.row_numbers(w.processor.tile_rows, m)
        heads = [w.at(a, w.times(r, a_row)) for r in numbers]
        flags = [w.mask(asked, place) for place in places]
        bases = [w.at(start, w.times(r, start_row)) for r in numbers]
        starts = [w.load(w.at(base, p), mask) for base in bases for p, mask in zip(places, flags, strict=True)]

        def step(k: Any, offset: Any, *sums: Any) -> list[Any]:
            base = w.at(panel, w.times(k, w.lanes * vectors))
            right = [w.load_panel(w.at(base, place)) for place in places]
            left = [w.spread(builder.load(w.at(head, offset))) for head in heads]
            following = [w.fma(x, y, sums[r * vectors + v]) for r, x in enumerate(left) for v, y in enumerate(right)]
            return [builder.add(offset, a_step), *following]

        _, *sums = w.loop(steps, [INTEGER(0), *starts], step)
        flags = [w.mask(n, place) for place in places]
        bases = [w.at(out, w.times(r, out_row)) for r in numbers]
        for k, x in enumerate(sums):
            w.store(x, w.at(bases[k // vectors], places[k % vectors]), flags[k % vectors])

    pointer = writer.pointer
    arguments = [pointer, INTEGER, INTEGER, pointer, pointer, INTEGER, INTEGER, pointer, *[INTEGER] * 4]
    return writer.function(f"tile{vectors}", arguments, body)


def _write_pack_rows(writer: Writer) -> Any:
    """Copy ``n`` columns of ``steps`` rows, one vector wide, into a panel, with zeros beside them."""

    def body(*given: Any) -> None:
        source, row, panel, width, n, steps = given
        w = writer
        flags = w.mask(n)

        def step(k: Any) -> list[Any]:
            w.store_panel(w.load(w.at(source, w.times(k, row)), flags), w.at(panel, w.times(k, width)))
            return []

        w.loop(steps, [], step)

    return writer.function("pack_rows", [writer.pointer, INTEGER, writer.pointer, *[INTEGER] * 3], body)


def _write_pack_columns(writer: Writer) -> Any:
    """Do the same where columns are contiguous, not rows: turn squares over in registers.

    Fills whole squares: the panel must hold a multiple of their side.
    """

    def body(*given: Any) -> None:
        source, column, panel, width, n, steps = given
        w, builder, side = writer, writer.builder, writer.lanes
        heads = [w.at(source, w.times(k, column)) for k in w.row_numbers(side, n)]
        there = [w.spread(builder.icmp_signed("<", INTEGER(k), n)) for k in range(side)]

        def square(number: Any) -> list[Any]:
            first = w.times(number, side)
            flags = w.mask(builder.sub(steps, first))
            lines = [w.load(w.at(h, first), builder.and_(flags, t)) for h, t in zip(heads, there, strict=True)]
            for k, line in enumerate(w.turned(lines)):
                w.store_panel(line, w.at(panel, w.times(builder.add(first, INTEGER(k)), width)))
            return []

        w.loop(w.pieces(steps, side), [], square)

    return writer.function("pack_columns", [writer.pointer, INTEGER, writer.pointer, *[INTEGER] * 3], body)


def _write_strips(writer: Writer) -> Any:
    """``out = start + weights @ matrix``, row by row in strips of columns, for few rows or steps: nothing is packed.

    ``start`` is one number per row, or zero where ``asked`` is. ``out`` is C-ordered.
    """

    def body(*given: Any) -> None:
        weights, row, step, matrix, depth, start, asked, out, m, n = given
        w, builder = writer, writer.builder
        places = [v * w.lanes for v in range(STRIP)]
        some = builder.icmp_signed(">", asked, INTEGER(0))

        def strip(number: Any) -> list[Any]:
            first = w.times(number, w.lanes * STRIP)
            masks = [w.mask(builder.sub(n, first), place) for place in places]
            left, target = w.at(matrix, first), w.at(out, first)

            def line(r: Any) -> list[Any]:
                bias = builder.select(some, builder.load(w.at(start, r)), w.scalar(0.0))
                head = w.at(weights, w.times(r, row))

                def add(k: Any, *sums: Any) -> list[Any]:
                    weight, base = w.spread(builder.load(w.at(head, w.times(k, step)))), w.at(left, w.times(k, n))
                    parts = [w.load(w.at(base, p), mask) for p, mask in zip(places, masks, strict=True)]
                    return [w.fma(weight, part, one) for part, one in zip(parts, sums, strict=True)]

                sums = w.loop(depth, [w.spread(bias)] * STRIP, add)
                for one, p, mask in zip(sums, places, masks, strict=True):
                    w.store(one, w.at(target, w.times(r, n), p), mask)
                return []

            w.loop(m, [], line)
            return []

        w.loop(w.pieces(n, w.lanes * STRIP), [], strip)

    pointer = writer.pointer
    arguments = [pointer, INTEGER, INTEGER, pointer, INTEGER, pointer, INTEGER, pointer, INTEGER, INTEGER]
    return writer.function("strips", arguments, body)


def _write_dots(writer: Writer, *, plain: bool) -> Any:
    """``out[r, c] = x[r] @ y[c]`` of two C-ordered matrices; the sums of the rows of x if ``plain``.

    Running sums side by side, as many as ``DOT_BYTES`` hold, then their upper half is added to the lower, and again.
    ``out`` has a distance for r and one for c.
    """

    def body(*given: Any) -> None:
        x, m, y, n, length, out, out_row, out_column = given
        w, builder = writer, writer.builder
        zero = ir.Constant(w.vector, None)

        def block(number: Any) -> list[Any]:
            first = w.times(number, DOTS)
            numbers = w.row_numbers(DOTS, builder.sub(m, first))
            heads = [w.at(x, w.times(builder.add(first, r), length)) for r in numbers]
            places = [w.times(builder.add(first, r), out_row) for r in numbers]

            def column(c: Any) -> list[Any]:
                line = w.at(y, w.times(c, length))

                def step(k: Any, *sums: Any) -> list[Any]:
                    done = w.times(k, w.lanes)
                    flags = w.mask(builder.sub(length, done))
                    left = [w.load(w.at(head, done), flags) for head in heads]
                    if plain:
                        return [builder.fadd(s, one) for s, one in zip(sums, left, strict=True)]
                    right = w.load(w.at(line, done), flags)
                    return [w.fma(one, right, s) for s, one in zip(sums, left, strict=True)]

                total = _folded(w, w.loop(w.pieces(length, w.lanes), [zero] * DOTS, step))
                for r, place in enumerate(places):
                    value = builder.extract_element(total, INDEX(r))
                    builder.store(value, w.at(out, place, w.times(c, out_column)))
                return []

            w.loop(n, [], column)
            return []

        w.loop(w.pieces(m, DOTS), [], block)

    pointer = writer.pointer
    arguments = [pointer, INTEGER, pointer, INTEGER, INTEGER, pointer, INTEGER, INTEGER]
    return writer.function("sums" if plain else "dots", arguments, body)


def _folded(w: Writer, sums: list[Any]) -> Any:
    """Add up each of ``DOTS`` vectors, upper half to lower half; what two vectors leave goes on as one."""
    parts = w.lanes  # lanes that belong to one sum
    while parts > 1:
        several = len(sums) > 1
        pairs = zip(sums[::2], sums[1::2], strict=True) if several else [(sums[0], sums[0])]
        lower = [k for k in range(w.lanes * 2 if several else sums[0].type.count) if k % parts < parts // 2]
        upper = [k + parts // 2 for k in lower]
        sums = [w.builder.fadd(w.choose(a, b, lower), w.choose(a, b, upper)) for a, b in pairs]
        parts //= 2
    (total,) = sums
    return total


# -- calls


def first_cell(context: Any, builder: ir.IRBuilder, kind: Any, array: Any) -> Any:
    """Return the address of an array's first cell."""
    return context.make_array(kind)(context, builder, array).data


def call_of(write: Callable[[Writer], Any], arguments: str, vector_bytes: int = 0) -> Any:
    """Make the call of a written function: ``arguments`` names its kinds, ``p`` for an array and an offset in cells."""
    places = [k + arguments[:k].count("p") for k, kind in enumerate(arguments) if kind == "p"]

    @intrinsic
    def call(typing_context: Any, first: Any, given: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
            parts = [builder.extract_value(values[1], k) for k in range(len(given))]
            kinds = list(given)
            passed = []
            for k, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
                if k in places:
                    passed.append(builder.gep(first_cell(context, builder, kind, part), [parts[k + 1]]))
                elif k - 1 not in places:
                    passed.append(context.cast(builder, part, kind, types.int64))
            builder.call(write(Writer(context, builder.module, first.dtype, vector_bytes)), passed)
            return context.get_dummy_value()

        return types.void(first, given), generate

    return call


wide_tile = call_of(lambda writer: _write_tile(writer, VECTORS), "piippiipiiii")
slim_tile = call_of(lambda writer: _write_tile(writer, 1), "piippiipiiii")
pack_rows = call_of(_write_pack_rows, "pipiii")
pack_columns = call_of(_write_pack_columns, "pipiii")
strips_call = call_of(_write_strips, "piipipipii")
dots_call = call_of(lambda writer: _write_dots(writer, plain=False), "pipiipii", DOT_BYTES)
sums_call = call_of(lambda writer: _write_dots(writer, plain=True), "pipiipii", DOT_BYTES)


@intrinsic
def tile_shape(typing_context: Any, array: Any) -> Any:
    """Rows of a tile, and cells of a vector."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        processor = Processor(context)
        shape = (processor.tile_rows, processor.vector_bytes * 8 // array.dtype.bitwidth)
        return context.make_tuple(builder, signature.return_type, [INTEGER(n) for n in shape])

    return types.UniTuple(types.int64, 2)(array), generate


@intrinsic
def empty_panel(typing_context: Any, like: Any) -> Any:
    """Scratch on the stack, aligned for the widest vectors, gone when the function that asked for it returns."""
    kind = types.Array(like.dtype, 1, "C")
    cells = PANEL_BYTES * 8 // like.dtype.bitwidth

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        scalar, size = context.get_data_type(like.dtype), INTEGER(like.dtype.bitwidth // 8)
        with builder.goto_entry_block():  # once, not in every round of a loop
            place = builder.alloca(ir.ArrayType(scalar, cells))
        place.align = 64
        made = context.make_array(kind)(context, builder)
        data = builder.bitcast(place, scalar.as_pointer())
        context.populate_array(made, data=data, shape=[INTEGER(cells)], strides=[size], itemsize=size, meminfo=None)
        return made._getvalue()

    return kind(like), generate
