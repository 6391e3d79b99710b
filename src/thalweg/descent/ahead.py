"""What is read before it is asked for, by a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class _Failure(NamedTuple):
    """What went wrong in a thread."""

    error: BaseException


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """Go through items that a thread of their own makes, a few ahead of the one that is asked for."""
    waiting: queue.Queue[T | _Failure | None] = queue.Queue(maxsize=depth)
    left = threading.Event()

    def put(item: T | _Failure | None) -> bool:
        while not left.is_set():
            try:
                waiting.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the item is asked for
            put(_Failure(error))
        finally:
            items.close()

    reader = threading.Thread(target=work, name="thalweg-stream", daemon=True)
    reader.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        left.set()
        reader.join(timeout=1.0)  # a reader that waits for a network ends with its next chunk
