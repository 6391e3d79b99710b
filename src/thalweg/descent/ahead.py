"""What is read before it is asked for, by a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class _Failure(NamedTuple):
    """What went wrong in a thread."""

    error: BaseException


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """Go through items that a thread of their own makes, a few ahead of the one that is asked for.

    Whoever may leave before the last item closes it, for the thread's sake: an error that is looked at later keeps
    alive what is left to be freed by itself.
    """
    waiting: queue.Queue[T | _Failure | None] = queue.Queue(maxsize=depth)
    left = threading.Event()

    def work() -> None:
        try:
            with closing(items):
                for item in items:
                    waiting.put(item)
                    if left.is_set():
                        return
            end: _Failure | None = None
        except BaseException as error:  # noqa: BLE001 - it is raised where the item is asked for
            end = _Failure(error)
        if not left.is_set():
            waiting.put(end)

    reader = threading.Thread(target=work, name="thalweg-stream", daemon=True)
    reader.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        left.set()
        with suppress(queue.Empty):  # the reader may be waiting for room; from now on it puts one item at most
            while True:
                waiting.get_nowait()
        reader.join(timeout=1.0)  # one that waits for a network ends with its next chunk
