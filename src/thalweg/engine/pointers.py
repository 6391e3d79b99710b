"""Calls through an address: one driver, compiled once, runs any objective, loss, penalty and update.

Numba's own first-class functions do the same call, but unpack their type from bytes for every argument of every
entry: 60 microseconds for each function (numba 0.68), more than a whole epoch of a small table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# Looking an address up takes 20 microseconds, and a run asks for eight.
_addresses: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def address(kernel: Any) -> int:
    """Return the address of a kernel compiled for one signature."""
    known = _addresses.get(kernel)
    if known is None:
        (compiled,) = kernel.overloads.values()
        known = int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
        _addresses[kernel] = known
    return known


def caller(signature_of: Callable[[str], Any]) -> Any:
    """Make the call ``f(address, (arguments...))`` for kernels of one family.

    Parameters
    ----------
    signature_of : callable
        Signature of the family for ``"float64"`` or ``"float32"``; the storage type is read off the arguments.
    """

    @intrinsic
    def call(typing_context: Any, pointer: Any, arguments: Any) -> Any:
        narrow = any(isinstance(a, types.Array) and a.dtype == types.float32 for a in arguments)
        signature = signature_of("float32" if narrow else "float64")

        def generate(context: Any, builder: ir.IRBuilder, outer: Any, values: Any) -> Any:
            number, packed = values
            given = cgutils.unpack_tuple(builder, packed, len(arguments))
            cast = [context.cast(builder, v, a, b) for v, a, b in zip(given, arguments, signature.args, strict=True)]
            kind = context.call_conv.get_function_type(signature.return_type, signature.args)
            function = builder.inttoptr(number, ir.PointerType(kind))
            status, result = context.call_conv.call_function(
                builder, function, signature.return_type, signature.args, cast
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return context.get_dummy_value() if outer.return_type == types.void else result

        return signature.return_type(types.int64, arguments), generate

    return call
