from __future__ import annotations

import re
import sys

import pytest

from thalweg.check.child.messages import Question
from thalweg.check.child.optimizers import examined
from thalweg.check.diagnosis import Diagnosis
from thalweg.check.verdict import Verdict
from thalweg.check.wording import spoken
from thalweg.check.written import Written


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Examine a text in this process: what is told of each name, and the rest of the answer."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(text, name=None, **asked):
        path = str(tmp_path / "mine.py")
        kept = []
        rest = examined(Question(path, name, **asked), Written(path, text), kept.append)
        return {one["name"]: one["verdict"] for one in kept}, rest

    yield run
    sys.modules.pop("examined", None)


@pytest.fixture
def unknown(monkeypatch):
    """The search takes seconds to give up, and is not what is tested here."""
    monkeypatch.setattr("thalweg.check.diagnosis.explain", lambda *_, **__: Verdict("unknown", note="as ever"))


def test_names_are_those_by_which_one_asks(told):
    text = "sgd = lambda w, g, lr=0.1: w - lr * g\nclass Sgd:\n    def step(self, w, g): return w - 0.1 * g\n"
    found, _ = told(text)
    assert set(found) == {"sgd", "Sgd"}
    assert set(told(text, "Sgd")[0]) == {"Sgd"}


def test_code_that_does_nothing_is_told(told, unknown):
    found, _ = told("def sgd(w, g, lr=0.1):\n    w - lr * g\n")
    assert found["sgd"]["note"] == "it never moves a parameter; as ever"


def test_chance_is_told(told, unknown):
    found, _ = told("import random\ndef sgd(w, g, lr=0.1):\n    return w - lr * g * random.random()\n")
    assert found["sgd"]["note"] == "it does not do the same twice: is there chance in it?; as ever"
    assert told("def sgd(w, g, lr=0.1):\n    return w - lr * g ** 7\n")[0]["sgd"]["note"] == "as ever"


def test_a_coroutine_is_no_step(told):
    found, _ = told("async def sgd(w, g, lr=0.1):\n    return w - lr * g\n")
    assert found["sgd"]["kind"] == "cannot_run"
    assert "async def" in found["sgd"]["note"]


def test_what_was_left_out_is_named_where_it_is_missed(told):
    found, rest = told("def make(n): return sum(range(n))\nopt = undefined(3)\n", "opt")
    assert found == {}
    assert rest["reason"] == "makes 'opt' where it is not run: it fails with NameError: name 'undefined' is not defined"
    assert rest["where"] == "mine.py:2"


def test_a_loop_that_is_no_function_is_named(told):
    _, rest = told("w = 1.0\nfor t in range(9):\n    g = 2 * w\n    w = w - 0.1 * g\n")
    assert rest["reason"] == "holds nothing that looks like an update rule"
    assert "mine.py:2 is left out: it is a loop outside of functions" in rest["notes"][0]


def test_what_is_asked_reaches_the_examination(told):
    text = "def step(w, g, tempo=0.1, forget=0.9, seen=[0.0]):\n"
    text += "    seen[0] = forget * seen[0] + g\n    return w - tempo * seen[0]\n"
    found, _ = told(text, rule="momentum", numbers={"momentum": 0.9}, learning_rate_parameter="tempo")
    assert (found["step"]["kind"], found["step"]["rule"]) == ("right", "momentum")
    assert found["step"]["numbers"] == {"learning_rate": 0.1, "momentum": 0.9}


def test_what_is_told_of_a_file_is_told_in_chinese_too(told, unknown):
    said = spoken("zh")
    notes = [
        told("async def sgd(w, g, lr=0.1): return w")[0]["sgd"]["note"],
        told("def sgd(w, g, lr=0.1): w - lr * g")[0]["sgd"]["note"],
        told("import random\ndef sgd(w, g, lr=0.1): return w - lr * g * random.random()")[0]["sgd"]["note"],
        *told("for t in range(9):\n    w = t\n")[1]["notes"],
    ]
    assert len(notes) == 4
    for note in notes:
        assert not re.search(r"\bit\b|\bto\b", said.sentence(note)), note


def test_the_answer_is_the_diagnosis(tmp_path):
    kept = []
    path = str(tmp_path / "mine.py")
    examined(Question(path), Written(path, "def sgd(w, g, lr=0.1):\n    return w - lr * g\n"), kept.append)
    sys.modules.pop("examined", None)
    made = Diagnosis.from_dict(kept[0])
    assert made.verdict.kind == "right"
    assert made.source is not None
    assert made.source.where(2) == "mine.py:2"
