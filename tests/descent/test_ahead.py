"""Reading ahead: the same items, errors where they are asked for, and no thread that outlives whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from thalweg.descent.ahead import ahead


def reader() -> threading.Thread:
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "thalweg-stream" and thread not in KNOWN)
    return thread


KNOWN: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    KNOWN.clear()
    KNOWN.update(threading.enumerate())
    yield
    KNOWN.clear()


def numbers(count: int, closed: list[int], error: Exception | None = None) -> Generator[int]:
    try:
        yield from range(count)
        if error is not None:
            raise error
    finally:
        closed.append(count)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_items_come_in_their_order(depth: int, count: int) -> None:
    closed: list[int] = []
    assert list(ahead(numbers(count, closed), depth)) == list(range(count))
    assert closed == [count]


def test_an_error_comes_after_the_items_before_it() -> None:
    closed: list[int] = []
    items = ahead(numbers(3, closed, ZeroDivisionError("third")), 1)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError, match="third"):
        next(items)
    assert closed == [3]


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("taken", [1, 2, 9])
def test_who_leaves_early_ends_the_reader(depth: int, taken: int) -> None:
    closed: list[int] = []
    items = ahead(numbers(10**9, closed), depth)
    for _ in range(taken):
        next(items)
    thread = reader()
    items.close()
    thread.join(60.0)
    assert not thread.is_alive()
    assert closed == [10**9]


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
def test_a_reader_that_is_late_ends_with_its_next_item(error: Exception | None) -> None:
    """What it was making when the other left is put nowhere, an error neither."""
    asked, go_on = threading.Event(), threading.Event()

    def late() -> Generator[int]:
        yield 0
        asked.set()
        go_on.wait(60.0)
        if error is not None:
            raise error
        yield 1

    items = ahead(late(), 1)
    assert next(items) == 0
    thread = reader()
    assert asked.wait(60.0)
    items.close()
    assert thread.is_alive()
    go_on.set()
    thread.join(60.0)
    assert not thread.is_alive()
