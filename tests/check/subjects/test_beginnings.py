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


SHARED = """
class Adam:
    def __init__(self, params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.params, self.lr, self.beta1, self.beta2, self.eps = params, lr, beta1, beta2, eps
        {memory}
        self.t = 0

    def step(self, grads):
        self.t += 1
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * g ** 2
            mhat, vhat = self.m[i] / (1 - self.beta1 ** self.t), self.v[i] / (1 - self.beta2 ** self.t)
            p -= self.lr * mhat / (np.sqrt(np.abs(vhat)) + self.eps)
"""


@pytest.mark.parametrize(("shared", "kind"), [(False, "right"), (True, "wrong")])
def test_two_names_of_one_memory_stay_so(shared: bool, kind: str, module: ModuleType) -> None:
    zeros = "[np.zeros_like(p) for p in params]"
    memory = f"self.m = self.v = {zeros}" if shared else f"self.m, self.v = {zeros}, {zeros}"
    exec(compile(SHARED.format(memory=memory), "homework.py", "exec"), module.__dict__)  # noqa: S102 - it stands above
    assert diagnose(module.__dict__["Adam"]).kind == kind


def test_a_name_that_promises_memory_is_not_kept_by_a_rule_without() -> None:
    class Nesterov:
        def __init__(self, lr: float = 0.01, mu: float = 0.9) -> None:
            self.lr, self.mu, self.v = lr, mu, 0.0

        def update(self, w: float, g: float) -> float:
            before = self.v
            self.v = self.mu * self.v - self.lr * g
            return w - self.mu * before + self.v

    told = diagnose(Nesterov).verdict
    assert told.rule == "gradient_descent"
    assert "the name promises nesterov" in told.note
