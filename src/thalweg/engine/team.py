"""Several threads on one run: pieces of a job that its thread hands out, and takes itself where nobody else does.

The thread of the run writes a job down, says of how many pieces it is, and starts on them. Threads that wait in
:func:`assist` take pieces too. Each piece writes cells of its own, so that no bit depends on who makes it, and nothing
waits for a thread that has not taken one: with one processor, or with no thread there yet, the run makes all itself.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the native functions by their arguments.

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from thalweg.engine.arithmetic import nested, vector_at
from thalweg.engine.compile import native
from thalweg.engine.vectors import INTEGER, Processor

# Cells of a team's table; what different threads write stands in cache lines of its own.
TICKET, DONE, OPEN, FAILED, YIELD, ALONE, PENALTY, ASKED, FUNCTION, CELLS = (
    0, 8, 16, 24, 25, 26, 27, 28, 29, 61,
)  # fmt: skip
# Where a job is written down: bytes from the table's address, and cells. The first is the function of its pieces.
JOB, JOB_CELLS = 8 * FUNCTION, CELLS - FUNCTION
# A ticket is the number of a job and, in its lower bits, how many of its pieces nobody has taken yet.
BITS = 16
MOST_PIECES = (1 << BITS) - 1
# Looks for a piece before a thread rests (a fifth of a millisecond), and for the end of a job before whoever holds its
# last piece is taken to be held up, because others need the processors.
PATIENCE, HOPE = 8_000, 5_000
# Jobs that are then made alone, at first and at most: waiting is to cost a small share of the time, however busy the
# machine is.
FIRST_PENALTY, LAST_PENALTY = 512, 8192
# Seconds of the first rest; each is twice as long as the one before, and after the last a thread waits to be called.
FIRST_REST, LAST_REST = 0.001, 0.1
# More would wait for each other: a job has some ten pieces of some ten microseconds.
MOST_THREADS = 4

PIECE = types.void(types.int64, types.int64)  # the address of the table, the number of the piece


# -- what no scalar loop says: loads and stores that other threads see in order


@intrinsic
def _seen(typing_context: Any, table: Any, place: Any) -> Any:
    """Load a cell, and with it all that was written before it was stored."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_cell(context, builder, signature, arguments), "acquire", 8)

    return types.int64(table, types.int64), generate


@intrinsic
def _show(typing_context: Any, table: Any, place: Any, value: Any) -> Any:
    """Store a cell, and with it all that was written before."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _cell(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(table, types.int64, types.int64), generate


@intrinsic
def _count(typing_context: Any, table: Any, place: Any) -> Any:
    """Add one to a cell, whoever else does."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", _cell(context, builder, signature, arguments), INTEGER(1), "acq_rel")

    return types.int64(table, types.int64), generate


@intrinsic
def _exchange(typing_context: Any, table: Any, place: Any, expected: Any, value: Any) -> Any:
    """Store a cell if it still is what was expected, and tell whether it was."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        cell = _cell(context, builder, signature, arguments)
        found = builder.cmpxchg(cell, arguments[2], arguments[3], "acq_rel", "acquire")
        return builder.extract_value(found, 1)

    return types.boolean(table, types.int64, types.int64, types.int64), generate


def _cell(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    table = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(table.data, [arguments[1]])


@intrinsic
def _pause(typing_context: Any) -> Any:
    """Let the processor wait a moment before the next look."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        if Processor(context).intel:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _offer(typing_context: Any, function: Any) -> Any:
    """Call the system's function that lets other threads have the processor."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], ir.PointerType(kind)), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def _made(typing_context: Any, function: Any, team: Any, piece: Any) -> Any:
    """Make a piece and tell whether it went well: an exception would leave the others waiting."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = context.call_conv.get_function_type(PIECE.return_type, PIECE.args)
        called = builder.inttoptr(arguments[0], ir.PointerType(kind))
        status, _ = context.call_conv.call_function(builder, called, PIECE.return_type, PIECE.args, arguments[1:])
        return status.is_ok

    return types.boolean(types.int64, types.int64, types.int64), generate


# -- jobs


@nested
def share(team, pieces):
    """Make all pieces of the job that is written down, with whoever helps."""
    table = vector_at(team, CELLS, types.int64)
    if table[ALONE] > 0:
        table[ALONE] -= 1
        _show(table, OPEN, table[ASKED] if table[ALONE] == 0 else 0)
        for piece in range(pieces):
            if not _made(table[FUNCTION], team, piece):
                table[FAILED] = 1
    else:
        _show(table, DONE, 0)
        _show(table, TICKET, (((_seen(table, TICKET) >> BITS) + 1) << BITS) + pieces)
        _take(team, table)
        looks = 0
        while _seen(table, DONE) < pieces:
            looks += 1
            if looks > HOPE and table[YIELD] != 0:
                _offer(table[YIELD])
            else:
                _pause()
        if looks > HOPE:
            table[ALONE] = table[PENALTY]
            table[PENALTY] = min(2 * table[PENALTY], LAST_PENALTY)
        elif table[PENALTY] > FIRST_PENALTY:
            table[PENALTY] -= 1
    if _seen(table, FAILED) != 0:
        raise RuntimeError("a piece of a shared job failed")


@nested
def _take(team, table):
    """Make pieces until none is left, and count them."""
    made = 0
    while True:
        ticket = _seen(table, TICKET)
        left = ticket & MOST_PIECES
        if left == 0:
            return made
        if _exchange(table, TICKET, ticket, ticket - 1):  # the job stays as it is until this piece is done
            if not _made(table[FUNCTION], team, left - 1):
                _show(table, FAILED, 1)
            _count(table, DONE)
            made += 1


def assist(team, number):
    """Take pieces as thread ``number`` (from 0) while the team is open, and count them; leave when none comes."""
    table = vector_at(team, CELLS, types.int64)
    made = looks = 0
    while _seen(table, OPEN) > number and looks < PATIENCE:
        some = _take(team, table)
        made += some
        looks = 0 if some > 0 else looks + 1
        _pause()
    return made


# -- threads


@final
class Team:
    """Threads that help one run at a time.

    They are started when first called, wait without cost between runs, and end with the process.
    """

    def __init__(self) -> None:
        cells = np.zeros(CELLS + 7, np.int64)
        self._table = cells[-(cells.ctypes.data // 8) % 8 :][:CELLS]  # from the start of a cache line
        self._table[YIELD], self._table[PENALTY] = _way_to_yield(), FIRST_PENALTY
        self._assist = native(assist, types.int64(types.int64, types.int64), allocates=False)
        self._free = threading.Lock()
        self._calls: list[threading.Event] = []

    @contextmanager
    def opened(self, threads: int) -> Iterator[int]:
        """Call the others of so many threads for the time of a ``with`` block.

        Yields
        ------
        int
            The address for :func:`share`; 0 where they help another run already.
        """
        if not self._free.acquire(blocking=False):
            yield 0
            return
        try:
            while len(self._calls) < threads - 1:
                self._start()
            self._table[FAILED] = 0
            self._table[ASKED] = threads - 1
            self._table[OPEN] = threads - 1 if self._table[ALONE] == 0 else 0
            for call in self._calls[: threads - 1]:
                call.set()
            yield int(self._table.ctypes.data)
        finally:
            self._table[OPEN] = 0
            for call in self._calls:
                call.clear()
            self._free.release()

    def _start(self) -> None:
        number, call = len(self._calls), threading.Event()
        self._calls.append(call)
        # A daemon: a thread that waits must not keep the process from ending.
        threading.Thread(target=self._help, args=(number, call), name=f"thalweg-team-{number}", daemon=True).start()

    def _help(self, number: int, call: threading.Event) -> None:
        rest, team = FIRST_REST, int(self._table.ctypes.data)
        while True:
            call.wait()
            if self._assist(team, number):
                rest = FIRST_REST
            elif rest < LAST_REST:  # the run waits for a processor, say
                time.sleep(rest)
                rest *= 2
            else:  # a run with nothing to share, or one that ended without closing
                rest = FIRST_REST
                call.clear()


def team() -> Team:
    """Return the team of this process."""
    return _team_of(os.getpid())  # threads do not survive a fork


@lru_cache(maxsize=1)
def _team_of(process: int) -> Team:
    return Team()


def threads_allowed() -> int:
    """Return how many threads a run may have: as many as there are processors for, or as ``OMP_NUM_THREADS`` says."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdecimal() and int(asked) > 0:
        found = min(found, int(asked))
    return min(found, MOST_THREADS)


def _way_to_yield() -> int:
    """Return the address of the system's function that offers the processor to others, 0 where there is none."""
    try:
        windows = os.name == "nt"
        function: Any = ctypes.CDLL("kernel32").SwitchToThread if windows else ctypes.CDLL(None).sched_yield
    except (AttributeError, OSError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
