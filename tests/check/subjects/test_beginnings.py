"""What code remembers between calls is as it was before, whichever way it is kept."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from thalweg.check.diagnosis import diagnose

KEPT = {
    "a global that is None": """
cache = None
def rmsprop(w, dw):
    global cache
    if cache is None:
        cache = np.zeros_like(w)
    cache = 0.9 * cache + 0.1 * dw * dw
    return w - 0.01 * dw / (np.sqrt(cache) + 1e-8)
""",
    "a global with a flag": """
started = False
cache = "nothing yet"
def rmsprop(w, dw):
    global cache, started
    if not started:
        cache, started = np.zeros_like(w), True
    cache = 0.9 * cache + 0.1 * dw * dw
    return w - 0.01 * dw / (np.sqrt(cache) + 1e-8)
""",
    "a global that is not there yet": """
def rmsprop(w, dw):
    global cache
    if "cache" not in globals():
        cache = np.zeros_like(w)
    cache = 0.9 * cache + 0.1 * dw * dw
    return w - 0.01 * dw / (np.sqrt(cache) + 1e-8)
""",
    "a closure": """
def make():
    cache = None
    def rmsprop(w, dw):
        nonlocal cache
        if cache is None:
            cache = np.zeros_like(w)
        cache = 0.9 * cache + 0.1 * dw * dw
        return w - 0.01 * dw / (np.sqrt(cache) + 1e-8)
    return rmsprop
rmsprop = make()
""",
    "a class": """
class Kept:
    cache = None
def rmsprop(w, dw):
    if Kept.cache is None:
        Kept.cache = np.zeros_like(w)
    Kept.cache = 0.9 * Kept.cache + 0.1 * dw * dw
    return w - 0.01 * dw / (np.sqrt(Kept.cache) + 1e-8)
""",
}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("homework")
    monkeypatch.setitem(sys.modules, "homework", made)
    made.__dict__["np"] = np
    return made


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_every_play_begins_afresh(text: str, module: ModuleType) -> None:
    exec(compile(text, "homework.py", "exec"), module.__dict__)  # noqa: S102 - it stands above
    before = dict(module.__dict__)
    told = diagnose(module.__dict__["rmsprop"])
    assert (told.kind, told.verdict.rule) == ("right", "rmsprop")
    after = dict(module.__dict__)
    assert after.keys() == before.keys()
    assert after.get("cache") == before.get("cache")
