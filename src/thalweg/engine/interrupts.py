"""Ctrl-C while a kernel is compiled: it waits until the kernel is whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Keep the first Ctrl-C or SIGTERM until the end; the second comes through at once.

    LLVM calls back into Python, and an exception that is raised there is lost, the kernel half made: what ends is not
    the program but the compilation, with an error of its own.
    """
    if threading.current_thread() is not threading.main_thread():  # signals do not arrive elsewhere
        yield
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    came: list[tuple[int, FrameType | None]] = []

    def keep(number: int, frame: FrameType | None) -> None:
        came.append((number, frame))
        if len(came) > 1:
            handlers[signal.Signals(number)](number, frame)

    for number in handlers:
        signal.signal(number, keep)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            handlers[signal.Signals(came[0][0])](*came[0])
