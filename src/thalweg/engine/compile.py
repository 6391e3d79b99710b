"""From text to machine code: kernels with names of their own, and a disk cache that repairs itself.

Every kernel is compiled for one explicit signature and kept on disk in a file named by its content, sealed with a
SHA-256. A damaged, unreadable or read-only cache costs a recompilation and one warning, never a crash.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import linecache
import math
import os
import pickle
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numba
import numpy as np
from numba import njit, types
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

import thalweg.formulas.lowering
from thalweg.engine import arithmetic, elementary, interrupts, softmax
from thalweg.engine.pointers import address, caller
from thalweg.errors import FormulaError
from thalweg.formulas.formula import Activation, Loss, Penalty, Rule
from thalweg.formulas.loops import backward_text, forward_text

# Reassociation would change the order of sums, "nnan" and "ninf" would delete the test for divergence: kernels keep
# strict floating point, and dot products write the order they want (see `arithmetic.dot`).
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


class CacheWarning(UserWarning):
    """The cache of compiled kernels could not be used; the result is right, the start was slower."""


# -- types

FLOATS = {"float64": types.float64, "float32": types.float32}


@lru_cache(maxsize=2)
def vector(dtype: str) -> types.Array:
    """Type of a contiguous vector of floats."""
    return types.Array(FLOATS[dtype], 1, "C")


@lru_cache(maxsize=2)
def matrix(dtype: str) -> types.Array:
    """Type of a C-ordered matrix of floats."""
    return types.Array(FLOATS[dtype], 2, "C")


def frozen(array: types.Array) -> types.Array:
    """Type of the same array when it may be read-only, as the user's data may be."""
    return types.Array(array.dtype, array.ndim, array.layout, readonly=True)


INDICES = types.Array(types.int64, 1, "C")
COLUMNS_OF_CSR = types.Array(types.int32, 1, "C", readonly=True)
TABLE = types.Array(types.int64, 2, "C")
NUMBERS = vector("float64")
NUMBER_TABLE = matrix("float64")


@lru_cache(maxsize=2)
def update_signature(dtype: str) -> Any:
    """``(params, grad, state, hyper, rates, lanes, t, start, stop)``."""
    v, m = vector(dtype), matrix(dtype)
    return types.void(v, v, m, NUMBERS, NUMBERS, m, types.float64, types.int64, types.int64)


@lru_cache(maxsize=2)
def loss_signature(dtype: str) -> Any:
    """``(targets, scores, rows, weights, factor, hyper, slopes, sums)``."""
    v, m = vector(dtype), matrix(dtype)
    return types.void(frozen(m), m, INDICES, frozen(v), types.float64, NUMBERS, m, NUMBERS)


@lru_cache(maxsize=2)
def penalty_signature(dtype: str) -> Any:
    """``(params, grad, hyper, start, stop, columns, costs)``."""
    v = vector(dtype)
    return types.void(v, v, NUMBERS, types.int64, types.int64, types.int64, NUMBERS)


@lru_cache(maxsize=2)
def proximal_signature(dtype: str) -> Any:
    """``(params, hyper, sizes, start, stop)``."""
    return types.void(vector(dtype), NUMBERS, NUMBERS, types.int64, types.int64)


@lru_cache(maxsize=2)
def forward_signature(dtype: str) -> Any:
    """``(kind, hyper, inputs, units)``."""
    m = matrix(dtype)
    return types.void(types.int64, NUMBER_TABLE, m, m)


@lru_cache(maxsize=2)
def backward_signature(dtype: str) -> Any:
    """``(kind, hyper, inputs, units, deltas)``."""
    m = matrix(dtype)
    return types.void(types.int64, NUMBER_TABLE, m, m, m)


@lru_cache(maxsize=2)
def objective_signature(dtype: str) -> Any:
    """Type of every objective; :func:`thalweg.engine.linear.dense` names the arguments."""
    v, m = vector(dtype), matrix(dtype)
    rows = (frozen(m), frozen(v), COLUMNS_OF_CSR, frozen(INDICES), frozen(m), frozen(v))
    numbers = (NUMBERS, NUMBER_TABLE, NUMBERS)
    return types.void(
        v, v, *rows, INDICES, types.float64, TABLE, v, NUMBERS, INDICES, *numbers, types.uint64, types.uint64
    )


# Places of the kernels' addresses in `code`, and the calls through them.
OBJECTIVE, LOSS, FORWARD, BACKWARD, UPDATE, PENALTY, PROXIMAL = range(7)
GATHER, MEASURE, CLIP, PENALISE, SETTLE, AVERAGE, DRAW = range(7, 14)
# The team that helps, the kernels that share work with it and those that make the pieces; 0 where a run has one thread.
TEAM, SHARE_PRODUCT, SHARE_UPDATE, PRODUCT_PIECE, UPDATE_PIECE = range(14, 19)
PLACES = 19

call_objective = caller(objective_signature)
call_loss = caller(loss_signature)
call_forward = caller(forward_signature)
call_backward = caller(backward_signature)
call_update = caller(update_signature)
call_penalty = caller(penalty_signature)
call_proximal = caller(proximal_signature)

# -- kernels

_compiling = threading.Lock()


@final
class Kernel:
    """A native function that other kernels enter by its address.

    The way in from Python is code of its own, a fifth of a kernel's time to compile. It is made when Python first
    calls, and once for all kernels of one signature.
    """

    def __init__(self, compiled: Any, signature: Any) -> None:
        self.overloads = compiled.overloads
        self.signature = signature
        self._way: tuple[Any, int] | None = None

    def __call__(self, *arguments: Any) -> None:
        """Call the kernel from Python, with the arguments of its signature."""
        if self._way is None:  # looking either up takes longer than a small kernel
            self._way = entry(self.signature), address(self)
        enter, place = self._way
        enter(place, *arguments)


@lru_cache(maxsize=32)
def entry(signature: Any) -> Any:
    """Return the way in from Python to every kernel of a signature: ``enter(address, arguments...)``."""
    names = ", ".join(f"a{k}" for k in range(len(signature.args)))
    name = f"enter_{hashlib.sha256(str(signature).encode()).hexdigest()[:12]}"
    made = from_text(name, f"def {name}(code, {names}):\n    call(code, ({names}))\n    return 0.0\n")
    made.__globals__["call"] = caller(lambda _: signature)
    return native(made, types.float64(types.int64, *signature.args))


def native(function: Callable[..., Any], signature: Any, *, allocates: bool = True) -> Any:
    """Compile a function for one signature, through the sealed cache.

    Parameters
    ----------
    function : function
        Module-level, or made by :func:`from_text`.
    signature : Numba signature
    allocates : bool
        Whether it makes arrays. One that looks at those of its caller only, as every function that returns nothing
        does, counts no references: each count is an atomic operation, and a step of a small network made a hundred.

    Returns
    -------
    Kernel or Numba dispatcher
        It accepts this signature only and releases the interpreter lock. A function that returns nothing is a part of
        others: a :class:`Kernel`.
    """
    part = signature.return_type == types.void
    with _compiling, _no_collection(), interrupts.waiting():
        compiled = njit(**OPTIONS, no_cfunc_wrapper=True, no_cpython_wrapper=part, _nrt=allocates and not part)(
            function
        )
        compiled._cache = _cache_of(function)
        compiled.compile(signature)
        compiled.disable_compile()
    return Kernel(compiled, signature) if part else compiled


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector still while a kernel is compiled: it looks at millions of objects, a tenth of the time."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def from_text(name: str, text: str) -> Callable[..., Any]:
    """Make a function of generated text; tracebacks can show its lines."""
    filename = f"<thalweg {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {
        "np": np,
        "math": math,
        "dot": arithmetic.dot,
        "flat": arithmetic.flat,
        "fetch": arithmetic.fetch,
        "fma": arithmetic.fma,
        "hidden": arithmetic.hidden,
        "power": arithmetic.power,
        "exp": elementary.exp,
        "tanh": elementary.tanh,
        "log1p": elementary.log1p,
        "sign": elementary.sign,
        "correction_over": arithmetic.correction_over,
        "__name__": __name__,
    }
    exec(compile(text, __file__, "exec"), scope)  # noqa: S102 - text of the library's own lowering
    made: Callable[..., Any] = scope[name]
    return made


@lru_cache(maxsize=1024)
def kernel_from_text(name: str, text: str, signature: Any) -> Any:
    """Compile generated text once per process."""
    return native(from_text(name, text), signature)


def update_kernel(rule: Rule, dtype: str, *, lanes: bool = False) -> Any:
    """Return the native update of a rule; with ``lanes`` it takes one learning rate per column."""
    return kernel_from_text(*rule.kernel_text(dtype, lanes=lanes), update_signature(dtype))


def loss_kernel(loss: Loss, dtype: str) -> Any:
    """Return the native loss over a batch."""
    if loss.per_row:
        return _row_loss_kernel(loss, dtype)
    return kernel_from_text(*loss.kernel_text(dtype), loss_signature(dtype))


@lru_cache(maxsize=16)
def _row_loss_kernel(loss: Loss, dtype: str) -> Any:
    from thalweg.formulas import losses

    # By what it computes, not by its name: anyone may call a loss softmax.
    if loss.fingerprint != losses.softmax.fingerprint:
        what = "a row-wise loss runs natively only where the engine holds its twin: that of losses.softmax"
        raise FormulaError("LOSS-ROWS", loss.name, what, "Write a loss per output with @loss, or take losses.softmax.")
    return native(softmax.softmax, loss_signature(dtype))


def penalty_kernel(penalty: Penalty, dtype: str) -> Any:
    """Return the native penalty."""
    return kernel_from_text(*penalty.kernel_text(dtype), penalty_signature(dtype))


def proximal_kernel(penalty: Penalty, dtype: str) -> Any:
    """Return the native proximal step of a penalty that has one."""
    return kernel_from_text(*penalty.proximal_text(dtype), proximal_signature(dtype))


def activation_kernels(activations: tuple[Activation, ...], dtype: str) -> tuple[Any, Any]:
    """Return forward and backward pass for layers whose activations are numbered as in ``activations``."""
    programs = tuple(a._program for a in activations)
    backward = kernel_from_text(*backward_text(programs, dtype), backward_signature(dtype))
    return forward_kernel(activations, dtype), backward


def forward_kernel(activations: tuple[Activation, ...], dtype: str) -> Any:
    """Return the forward pass alone."""
    programs = tuple(a._program for a in activations)
    return kernel_from_text(*forward_text(programs, dtype), forward_signature(dtype))


# -- the cache on disk


@lru_cache(maxsize=1)
def _stamp() -> bytes:
    """Digest of all that generated code depends on beside its own text."""
    switches = {name: getattr(numba.config, name) for name in ("BOUNDSCHECK", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE")}
    digest = hashlib.sha256(f"{numba.__version__} {switches}".encode())
    folders = (Path(__file__).parent, Path(thalweg.formulas.lowering.__file__).parent)
    for path in sorted(p for folder in folders for p in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


_warned: set[str] = set()


def _warn_once(key: str, message: str) -> None:
    if key not in _warned:
        _warned.add(key)
        warnings.warn(message, CacheWarning, stacklevel=2)


def _cache_of(function: Callable[..., Any]) -> Any:
    try:
        return _SealedCache(function)
    except (RuntimeError, OSError) as error:  # Numba found no folder it may write to
        _warn_once(
            "folder", f"compiled kernels are not kept: {error}. Set NUMBA_CACHE_DIR to a folder that can be written."
        )
        return njit(function)._cache


class _SealedCache(FunctionCache):
    """Numba's cache of one function, kept in sealed files."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _SealedFiles(Path(self._cache_path), self._impl.filename_base)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load a kernel, without what Numba loads before: all it could compile, which takes longer than all the rest.

        Machine code asks for the runtime alone. Where something is to be compiled after all, Numba's compiler sees to
        its own needs.
        """
        try:
            rtsys.initialize(target_context)
            return self._load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - whatever a damaged entry raises, the cure is the same
            self._cache_file.discard()
            _warn_once(
                "damage", f"a damaged entry of the compile cache was thrown away ({type(error).__name__}: {error})"
            )
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn_once(
                "write", f"compiled kernels are not kept: {error}. Set NUMBA_CACHE_DIR to a folder that can be written."
            )


class _SealedFiles:
    """One file per key, named by the key's digest: 32 bytes of SHA-256, then the pickle; they seal it and its name."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem
        self._last: Path | None = None

    def _path(self, key: Any) -> Path:
        digest = hashlib.sha256(_stamp() + repr(key).encode()).hexdigest()
        return self._folder / f"{self._stem}.{digest[:24]}.nbc"

    def load(self, key: Any) -> Any:
        path = self._last = self._path(key)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        seal, payload = content[:32], content[32:]
        if self._seal(path, payload) != seal:
            raise ValueError(f"{path.name} does not match its seal")
        return pickle.loads(payload)  # noqa: S301 - sealed, written by this library beside its own code

    def save(self, key: Any, data: Any) -> None:
        from numba.core.serialize import dumps

        payload = dumps(data)
        path = self._path(key)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            temporary.write_bytes(self._seal(path, payload) + payload)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    @staticmethod
    def _seal(path: Path, payload: bytes) -> bytes:
        # With the name in it, an entry under another's name is no entry: it would be another kernel.
        return hashlib.sha256(path.name.encode() + payload).digest()

    def discard(self) -> None:
        if self._last is None:
            return
        with contextlib.suppress(OSError):  # in a read-only folder the entry stays and is passed over each time
            if self._last.is_dir():
                shutil.rmtree(self._last)
            else:
                self._last.unlink(missing_ok=True)

    def flush(self) -> None:
        for path in self._folder.glob(f"{self._stem}.*.nbc"):
            path.unlink(missing_ok=True)
