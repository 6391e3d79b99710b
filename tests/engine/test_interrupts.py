"""An interrupt while a kernel is compiled waits for the kernel."""

from __future__ import annotations

import signal
import threading

import pytest

from thalweg.engine import compile as compiling
from thalweg.engine import interrupts


class Asked(Exception):  # noqa: N818 - what a handler raises, as KeyboardInterrupt is
    """A handler was asked."""


@pytest.fixture
def handlers():
    """Handlers of our own, so that no interrupt of these tests ends the tests."""

    def handler(number, frame):
        raise Asked(signal.Signals(number).name)

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield handler
    for number, one in before.items():
        signal.signal(number, one)


def work_with(*numbers) -> None:
    """Work of several steps, in each of which a signal comes; raise AssertionError where all were made."""
    with interrupts.waiting():
        for number in numbers:
            signal.raise_signal(number)
        raise AssertionError("all of it was done")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_waits_for_the_end(handlers, number):
    with pytest.raises(Asked, match=number.name) as raised:
        work_with(number)
    assert str(raised.value.__context__) == "all of it was done"
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is handlers


def test_the_second_does_not(handlers):
    with pytest.raises(Asked) as raised:
        work_with(signal.SIGINT, signal.SIGINT)
    assert isinstance(raised.value.__context__, Asked)
    assert signal.getsignal(signal.SIGINT) is handlers


def test_without_one_nothing_happens_and_a_handler_that_ignores_is_left(handlers):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with interrupts.waiting():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is handlers


def test_other_threads_are_left_alone():
    seen = []

    def work():
        with interrupts.waiting():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_kernel_is_whole_before_the_interrupt_is_answered(handlers, monkeypatch):
    """LLVM calls back into Python when it hands over what it compiled, where an exception would be lost."""
    text = "def doubled(x):\n    return 2.0 * x\n"
    cache_of, done = compiling._cache_of, []

    class Watched:
        def __init__(self, cache):
            self._cache = cache

        def __getattr__(self, name):
            return getattr(self._cache, name)

        def save_overload(self, signature, compiled):
            signal.raise_signal(signal.SIGINT)
            done.append(signature)
            return self._cache.save_overload(signature, compiled)

        def load_overload(self, signature, target):
            return None

    monkeypatch.setattr(compiling, "_cache_of", lambda function: Watched(cache_of(function)))
    number = compiling.FLOATS["float64"]
    with pytest.raises(Asked):
        compiling.native(compiling.from_text("doubled", text), number(number))
    assert done
    monkeypatch.undo()
    assert compiling.native(compiling.from_text("doubled", text), number(number))(4.0) == 8.0
