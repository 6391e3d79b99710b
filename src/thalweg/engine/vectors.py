"""Functions written to the code generator in vectors, where the optimiser does not find them in a scalar loop.

Vectors wider than a machine has are split by the code generator, so that all of this runs anywhere; how wide they are
and how many stay in registers is chosen for the processor at hand, and changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

INTEGER, INDEX, FLAG, NOTHING = ir.IntType(64), ir.IntType(32), ir.IntType(1), ir.VoidType()


class Processor:
    """What the processor that code is generated for can do.

    Attributes
    ----------
    fused : bool
        It multiplies and adds in one go; where it does not, the C library would be called for every lane.
    vector_bytes : int
    tile_rows : int
        Rows of a tile of two vectors each that fills the registers, 32 or 16 of them.
    intel : bool
        It is one of the x86-64 family.
    """

    def __init__(self, context: Any) -> None:
        features = f"{context.codegen().magic_tuple()},"
        self.intel = "x86_64" in features
        self.fused = not self.intel or "+fma," in features
        self.vector_bytes = 64 if "+avx512f," in features else 32 if "+avx," in features else 16
        self.tile_rows = 8 if not self.intel or self.vector_bytes == 64 else 6


class Writer:
    """One function in the module of its caller, written instruction by instruction.

    Parameters
    ----------
    context : Numba target context
    module : module of the caller
    kind : Numba type of a float
    vector_bytes : int, optional
        Width of its vectors; the processor's own where it is not given.
    """

    def __init__(self, context: Any, module: Any, kind: Any, vector_bytes: int = 0) -> None:
        self.processor = Processor(context)
        self.module, self.size = module, kind.bitwidth // 8
        self.lanes = (vector_bytes or self.processor.vector_bytes) // self.size
        self.scalar = context.get_data_type(kind)
        self.pointer = self.scalar.as_pointer()
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.numbers = ir.VectorType(INDEX, self.lanes)
        self.suffix = f"v{self.lanes}f{kind.bitwidth}"

    def function(self, name: str, arguments: Sequence[Any], body: Callable[..., None]) -> Any:
        """Return the function of this name, written by ``body(*arguments)`` if the module does not hold it yet."""
        name = f"thalweg_{name}_{self.suffix}"
        if name in self.module.globals:
            return self.module.globals[name]
        self.made = ir.Function(self.module, ir.FunctionType(NOTHING, arguments), name)
        self.made.linkage = "internal"
        self.made.attributes.add("noinline")
        self.builder = ir.IRBuilder(self.made.append_basic_block())
        body(*self.made.args)
        self.builder.ret_void()
        return self.made

    # -- places and loops

    def at(self, base: Any, *offsets: Any) -> Any:
        """Address of a cell, counted in cells from ``base``."""
        for offset in offsets:
            base = self.builder.gep(base, [offset if isinstance(offset, ir.Value) else INTEGER(offset)])
        return base

    def times(self, x: Any, y: Any) -> Any:
        """Product of two integers."""
        return self.builder.mul(x, y if isinstance(y, ir.Value) else INTEGER(y))

    def pieces(self, count: Any, size: int) -> Any:
        """Count pieces of this size, the last of which may be smaller."""
        return self.builder.sdiv(self.builder.add(count, INTEGER(size - 1)), INTEGER(size))

    def row_numbers(self, rows: int, count: Any) -> list[Any]:
        """Number the rows of a tile; those beyond ``count`` repeat the last, which is harmless: they do the same."""
        last = self.builder.sub(count, INTEGER(1))
        inside = [self.builder.icmp_signed("<", INTEGER(r), last) for r in range(1, rows)]
        return [INTEGER(0), *(self.builder.select(i, INTEGER(r + 1), last) for r, i in enumerate(inside))]

    def loop(self, count: Any, starts: Sequence[Any], body: Callable[..., Sequence[Any]]) -> list[Any]:
        """Run ``carried = body(k, *carried)`` for k below ``count`` and return what is carried out."""
        builder, before = self.builder, self.builder.block
        inside, after = self.made.append_basic_block(), self.made.append_basic_block()
        builder.cbranch(builder.icmp_signed(">", count, INTEGER(0)), inside, after)
        builder.position_at_end(inside)
        carried = [builder.phi(x.type) for x in (INTEGER(0), *starts)]
        following = [builder.add(carried[0], INTEGER(1)), *body(*carried)]
        end = builder.block  # the body may hold loops of its own
        for phi, first, x in zip(carried, (INTEGER(0), *starts), following, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(x, end)
        back = builder.cbranch(builder.icmp_signed("<", following[0], count), inside, after)
        back.set_metadata("llvm.loop", self._as_written())
        builder.position_at_end(after)
        results = []
        for first, x in zip(starts, following[1:], strict=True):
            results.append(builder.phi(first.type))
            results[-1].add_incoming(first, before)
            results[-1].add_incoming(x, end)
        return results

    def _as_written(self) -> Any:
        """Metadata of a loop that is not to be unrolled: the sums run side by side already."""
        wish = self.module.add_metadata([ir.MetaDataString(self.module, "llvm.loop.unroll.disable")])
        made = ir.MDValue(self.module, [wish], str(len(self.module.metadata)))
        made.operands = (made, wish)
        return made

    # -- vectors

    def _called(self, name: str, result: Any, *arguments: Any) -> Any:
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.module, kind, name), arguments)

    def spread(self, x: Any) -> Any:
        """Put one number into every lane."""
        undefined = ir.Constant(ir.VectorType(x.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, x, INDEX(0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(self.numbers, [0] * self.lanes))

    def mask(self, count: Any, skipped: int = 0) -> Any:
        """Flag the lanes whose number, plus ``skipped``, is below ``count``."""
        lanes = ir.Constant(self.numbers, [skipped + k for k in range(self.lanes)])
        return self.builder.icmp_signed("<", lanes, self.spread(self.builder.trunc(count, INDEX)))

    def load(self, base: Any, mask: Any) -> Any:
        """Load the flagged lanes; the others are zero, and nothing is touched there."""
        place, zero = self.builder.bitcast(base, self.vector.as_pointer()), ir.Constant(self.vector, None)
        return self._called(f"llvm.masked.load.{self.suffix}.p0", self.vector, place, INDEX(self.size), mask, zero)

    def store(self, x: Any, base: Any, mask: Any) -> None:
        """Store the flagged lanes."""
        place = self.builder.bitcast(base, self.vector.as_pointer())
        self._called(f"llvm.masked.store.{self.suffix}.p0", NOTHING, x, place, INDEX(self.size), mask)

    def load_panel(self, base: Any) -> Any:
        """Load a whole vector from an aligned place."""
        place = self.builder.bitcast(base, self.vector.as_pointer())
        return self.builder.load(place, align=self.size * self.lanes)

    def store_panel(self, x: Any, base: Any) -> None:
        """Store a whole vector at an aligned place."""
        place = self.builder.bitcast(base, self.vector.as_pointer())
        self.builder.store(x, place, align=self.size * self.lanes)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """``x * y + z``, rounded once where the processor can."""
        if not self.processor.fused:
            return self.builder.fadd(self.builder.fmul(x, y), z)
        return self._called(f"llvm.fma.{self.suffix}", x.type, x, y, z)

    def choose(self, x: Any, y: Any, lanes: Sequence[int]) -> Any:
        """Take lanes of two vectors; the second's count on from the first's."""
        return self.builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(INDEX, len(lanes)), list(lanes)))

    def turned(self, lines: Sequence[Any]) -> list[Any]:
        """Turn a square over: as many vectors as each has lanes become its columns."""
        lines, side, half = list(lines), self.lanes, 1
        while half < side:  # exchange two corners of every square of twice this side
            for k in (k for k in range(side) if not k & half):
                x, y = lines[k], lines[k + half]
                even = [side + lane - half if lane & half else lane for lane in range(side)]
                odd = [side + lane if lane & half else lane + half for lane in range(side)]
                lines[k], lines[k + half] = self.choose(x, y, even), self.choose(x, y, odd)
            half *= 2
        return lines
