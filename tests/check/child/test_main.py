"""The clock beside strangers' code: what it counts, and what not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from thalweg.check.child import main
from thalweg.check.child.messages import Limits, Question


class Ended(Exception):  # noqa: N818 - in place of the end of the process
    pass


@pytest.fixture
def looks_until_the_end(monkeypatch):
    """Let a file run whose limit is a second; return how many looks of 0.1 s at it are needed after some others."""

    def run(*, processor: bool, first: float = 0.1, short_of_memory: int = 0) -> int:
        looks = [0]
        now = {"monotonic": 0.0, "process_time": 0.0}

        def sleep(_: float) -> None:
            passed = 0.1 if looks[0] else first
            looks[0] += 1
            now["monotonic"] += passed
            now["process_time"] += passed if processor else 0.0

        def answer(**parts: object) -> None:
            raise Ended(parts["stop"])

        clocks = {name: lambda name=name: now[name] for name in now}
        monkeypatch.setattr(main, "time", SimpleNamespace(sleep=sleep, **clocks))
        examiner = main._Examiner(-1, "", Question("mine.py"), Limits(seconds=1.0))
        monkeypatch.setattr(examiner, "answer", answer)

        def line(_: object) -> int:
            if looks[0] <= short_of_memory:
                raise MemoryError
            return 2

        monkeypatch.setattr(examiner, "_line", line)
        with pytest.raises(Ended, match="time"):
            examiner.watch()
        return looks[0]

    return run


def test_what_works_ends_at_its_limit_and_what_waits_at_three(looks_until_the_end):
    assert looks_until_the_end(processor=True) in (10, 11)
    assert looks_until_the_end(processor=False) in (30, 31)


def test_a_machine_that_stood_still_is_no_waiting(looks_until_the_end):
    assert looks_until_the_end(processor=False, first=600.0) in (26, 27)


def test_who_takes_all_memory_is_watched_all_the_same(looks_until_the_end):
    assert looks_until_the_end(processor=True, short_of_memory=5) in (10, 11)
