from __future__ import annotations

import inspect
import sys

import pytest

from thalweg.check.child.loading import load
from thalweg.check.child.missing import Postponed
from thalweg.check.written import Written


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Load a text; modules and the path are as before afterwards."""
    modules = dict(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(text, wanted=None):
        return load(Written(str(tmp_path / "mine.py"), text), wanted)

    yield run
    for name in set(sys.modules) - set(modules):
        if name == "examined" or name.startswith("no_such"):
            del sys.modules[name]


def test_the_experiment_is_left_out(loaded):
    text = """
import numpy as np
lr, state = 0.1, {"t": 0}
state["m"] = np.zeros(3)
def step(w, g): return w - lr * g
def train():
    raise AssertionError
X = train()
print(X)
input("go on?")
for _ in range(3):
    train()
while True:
    pass
if __name__ == "__main__":
    train()
"""
    found = loaded(text)
    assert set(found.own) == {"lr", "state", "step", "train"}
    assert sorted(part.line for part in found.left_out) == [8, 9, 10, 11, 13, 15]


def test_what_a_definition_needs_is_run(loaded):
    text = """
def make(rate):
    def step(w, g): return w - rate * g
    return step
def initial(): return [0.0, 0.0]
update = make(0.5)
velocity = initial()
for k in range(2):
    velocity[k] = 1.0
def move(w, g):
    velocity[0] += g
"""
    found = loaded(text)
    assert found.own["update"](1.0, 1.0) == 0.5
    assert found.own["velocity"] == [1.0, 1.0]


def test_a_statement_that_is_needed_and_slow_is_stopped(loaded, monkeypatch):
    monkeypatch.setattr("thalweg.check.child.loading.EACH", 0.05)
    text = """
def endless():
    while True:
        try: pass
        except Exception: pass
m = endless()
def step(w, g): return w - m * g
"""
    found = loaded(text)
    assert set(found.own) == {"endless", "step"}
    missed = found.without("m")
    assert missed is not None
    assert missed.why.startswith("it takes more than")


SLEEPS = """
import time
def wait(seconds):
    time.sleep(seconds)
    return 0.5
m = wait({})
def step(w, g): return w - m * g
"""


def test_a_statement_that_is_needed_and_held_up_is_run_all_the_same(loaded, monkeypatch):
    monkeypatch.setattr("thalweg.check.child.loading.EACH", 0.2)
    monkeypatch.setattr("thalweg.check.child.loading.WAITING", 1e4)
    assert loaded(SLEEPS.format(0.4)).own["m"] == 0.5


def test_a_statement_that_only_sleeps_is_stopped_too(loaded, monkeypatch):
    monkeypatch.setattr("thalweg.check.child.loading.WAITING", 0.01)
    assert loaded(SLEEPS.format(1000)).without("m").why.startswith("it takes more than")


def test_what_fails_is_left_out_and_the_rest_stays(loaded):
    found = loaded("import math\nm = math.sqrt(-1)\ndef step(w, g): return w\n@undefined\ndef other(): pass\n")
    assert set(found.own) == {"step"}
    assert "ValueError" in found.left_out[0].why
    assert "NameError" in found.left_out[1].why


def test_modules_that_are_not_there_leave_what_does_not_use_them(loaded):
    text = """
import no_such_package.layers as layers
from no_such_package.optim import Base, decorate
try:
    import no_such_cupy as xp
except ImportError:
    import numpy as xp
class Mine(Base):
    def step(self, w, g): return w - xp.abs(g)
@decorate
def plain(w, g): return w - g
@decorate(static=True)
def other(w, g): return layers.sqrt(g)
"""
    found = loaded(text)
    assert set(found.own) == {"Mine", "plain", "other"}
    assert found.own["Mine"]().step(1, -2) == -1
    assert found.own["plain"](3, 1) == 2
    with pytest.raises(ModuleNotFoundError, match="no_such_package is not installed here"):
        found.own["other"](1, 1)
    assert found.missing == {"no_such_package": "no_such_package is not installed here"}


def test_pictures_and_data_are_imported_only_when_they_are_used(loaded, monkeypatch):
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    monkeypatch.delitem(sys.modules, "sklearn.base", raising=False)
    found = loaded("from sklearn.base import BaseEstimator\nimport matplotlib.pyplot as plt\nfig = plt.figure()\n")
    assert isinstance(vars(found.module)["BaseEstimator"], Postponed)
    assert set(found.own) == set()
    assert "sklearn.base" not in sys.modules


def test_the_text_of_functions_and_classes_is_found(loaded):
    found = loaded("class Adam:\n    def step(self, w, g):\n        return w\ndef sgd(w, g): return w\n")
    assert inspect.getsource(found.own["sgd"]) == "def sgd(w, g): return w\n"
    assert inspect.getsource(found.own["Adam"]).endswith("return w\n")


def test_modules_beside_the_file_are_found(loaded, tmp_path):
    (tmp_path / "no_such_beside.py").write_text("rate = 0.25\n")
    found = loaded("from no_such_beside import rate\ndef step(w, g): return w - rate * g\n")
    assert found.own["step"](1, 1) == 0.75


def test_a_module_beside_that_needs_what_is_not_there_is_run_without_it(loaded, tmp_path):
    (tmp_path / "no_such_helper.py").write_text("import no_such_package\nrate = 0.5\n")
    found = loaded("from no_such_helper import rate\ndef step(w, g): return w - rate * g\n")
    assert found.own["step"](1, 1) == 0.5
    assert list(found.missing) == ["no_such_package"]


def test_compiled_functions_are_taken_as_they_were_written(loaded):
    text = """
class compiled:
    def __init__(self, function): self.__wrapped__ = function
    def __call__(self, *given): raise AssertionError
@compiled
def step(w, g): return w - g
"""
    assert loaded(text).own["step"](3, 1) == 2


def test_a_base_class_that_is_not_there_says_so_when_something_is_asked_of_it(loaded):
    text = """
import no_such_library
class Mine(no_such_library.Optimizer):
    def __init__(self, lr=0.1):
        super().__init__([1.0], {"lr": lr})
class Other(no_such_library.Module):
    def __init__(self, lr=0.1):
        super().__init__()
        self.lr = lr
"""
    space = loaded(text).own
    assert space["Other"]().lr == 0.1
    with pytest.raises(ModuleNotFoundError, match="no_such_library is not installed"):
        space["Mine"]()
