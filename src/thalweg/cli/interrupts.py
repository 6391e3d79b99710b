"""How a command is stopped: the first Ctrl-C, or SIGTERM, lets it end cleanly; the second ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

#: The exit status of a command that was stopped.
INTERRUPTED = 130
_SHOW_CURSOR = b"\x1b[?25h"


@contextlib.contextmanager
def clean_stops() -> Iterator[None]:
    """Take Ctrl-C and SIGTERM alike while a command runs; restore what was there before.

    Signals that whoever started the process has told it to ignore, and handlers of an application around us, are left
    alone. Nothing happens outside the main thread: there, signals do not arrive.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    came: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            _at_once()
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(status: int) -> NoReturn:
    """Leave the process with its exit status; at once where one of our threads would keep it from ending."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("thalweg") and not thread.daemon]
    if status == INTERRUPTED and ours:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


def _at_once() -> NoReturn:
    """Leave without any further work: what is kept was safe before."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR + b"\n")  # a progress line has hidden it
    os._exit(INTERRUPTED)
