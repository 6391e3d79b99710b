"""The user's own line, and how it would be right: named where the mistake was planted, and proven."""

import random
import re

import numpy as np
import pytest
from tests.check.mending.writing import STYLES, stranger, written
from tests.check.planting import acts, numbers_of

from thalweg.check.catalogue.entries import fitting
from thalweg.check.catalogue.textbook import names
from thalweg.check.diagnosis import diagnose, examine
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.mending import Mend, mends
from thalweg.check.mending.rebuilding import Rebuilder
from thalweg.check.mending.targets import blocks
from thalweg.check.search import explain
from thalweg.check.subjects import Source, adapt
from thalweg.check.tape import standard
from thalweg.check.trajectory import distance

BEYOND_WORDS = {
    "array_sum", "first_array", "first_of", "last_of", "layer", "shared", "calls", "stale", "total", "theta_before",
    "now", "fallen",
}  # fmt: skip
"""Names of the textbook that nobody's code has."""

CASES = [
    ("adam", "second-corrected-with-beta1", "layers"),
    ("adam", "not-corrected", "class"),
    ("adam", "corrections-kept", "class"),
    ("adam", "second-not-weighted", "closure"),
    ("adamw", "decay-after-step", "class"),
    ("adadelta", "delta-not-kept", "arrays"),
    ("rmsprop", "root-missing", "arrays"),
    ("lion", "remembers-before-step", "layers"),
    ("momentum", "uphill", "closure"),
    ("adabelief", "surprise-of-old-mean", "layers"),
]
TAPE = standard().steady()


def planted(rule, codes, style):
    """Return a subject, the verdict on it, and the lines in which its mistakes stand."""
    hypothesis = combined(rule, codes)
    numbers = numbers_of(hypothesis)
    code = written(hypothesis, numbers, style)
    subject = stranger(code, hypothesis, numbers)
    verdict = explain(subject.play(TAPE), TAPE, numbers, rule)
    parts = blocks(hypothesis.statements, Hypothesis(rule).statements)
    lines = {code.places[k] for b in parts for k in range(b.at, b.at + max(1, len(b.wrong))) if k in code.places}
    return subject, verdict, lines


def applied(text, found):
    """Apply mends to a text, as a reader would: each to the lines that it shows."""
    shift = 0
    lines = text.splitlines()
    for mend in sorted(found, key=lambda m: (m.line, bool(m.found))):
        at, gone = mend.line - 1 + shift, mend.found.splitlines()
        assert lines[at : at + len(gone)] == gone
        come = mend.right.splitlines()
        lines[at : at + len(gone)] = come
        shift += len(come) - len(gone)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("rule", "code", "style"), CASES)
def test_planted_line_is_named_and_its_mend_is_right(rule, code, style):
    subject, verdict, lines = planted(rule, (code,), style)
    found = mends(subject.source, subject, verdict)
    assert {mend.code for mend in found} == {code}
    assert {mend.line for mend in found} & lines
    path = Rebuilder(subject).rebuilt(applied(subject.source.text, found)).play(TAPE)
    assert distance(Hypothesis(rule).trajectory(verdict.numbers, TAPE), path).residual <= 1e-6


def test_each_mend_removes_one_mistake_and_all_together_all():
    subject, verdict, _ = planted("adam", ("second-corrected-with-beta1", "first-not-weighted"), "class")
    found = mends(subject.source, subject, verdict)
    assert sorted(mend.code for mend in found) == ["first-not-weighted", "second-corrected-with-beta1"]
    for mend in found:
        text = applied(subject.source.text, [mend])
        left = tuple(f.code for f in verdict.mistakes if f.code != mend.code)
        path = Rebuilder(subject).rebuilt(text).play(TAPE)
        assert distance(Hypothesis("adam", left).trajectory(verdict.numbers, TAPE), path).residual <= 1e-6
    path = Rebuilder(subject).rebuilt(applied(subject.source.text, found)).play(TAPE)
    assert distance(Hypothesis("adam").trajectory(verdict.numbers, TAPE), path).residual <= 1e-6


CHINESE = """
import numpy as np

学习率 = 0.01   # 可以调整


class 优化器:
    def __init__(self):
        self.均方 = {}

    def update(self, params, grads):
        for 键 in params:
            if 键 not in self.均方: self.均方[键] = np.zeros_like(params[键])
            self.均方[键] = (0.9 * self.均方[键]      # 旧的
                          + 0.1 * grads[键])        # 新的
            params[键] -= 学习率 * grads[键] / (np.sqrt(self.均方[键]) + 1e-8)
"""


def test_formatting_comments_and_names_stay():
    space = {"__name__": "strangers"}
    exec(compile(CHINESE, "优化.py", "exec"), space)  # noqa: S102 - written above
    told = examine(adapt(space["优化器"], rule="rmsprop", source=Source("优化.py", CHINESE)))
    assert [finding.code for finding in told.verdict.mistakes] == ["not-squared"]
    (mend,) = told.mends
    assert mend.where == "优化.py:15"
    assert mend.right == mend.found.replace("grads[键]", "grads[键]**2")
    assert mend.found.endswith("# 新的")


def heavy_ball(w, g, v, lr=0.1, momentum=0.9):
    v = momentum * v + g  # the velocity
    w = w + lr * v
    return w, v


def test_diagnose_names_the_line_of_a_function_in_this_process():
    told = diagnose(heavy_ball)
    (mend,) = told.mends
    first = heavy_ball.__code__.co_firstlineno
    assert mend.as_dict() == {
        "code": "uphill", "line": first + 2, "where": f"test_mends.py:{first + 2}",
        "found": "    w = w + lr * v", "right": "    w = w - lr * v",
    }  # fmt: skip
    assert Mend.from_dict(mend.as_dict()) == mend
    assert type(told).from_dict(told.as_dict()).mends == told.mends


ENDLESS = """
def sgd(w, lr=0.1):
    while True:
        g = yield w
        w = w + lr * g
"""

UNCOUNTED = """
import numpy as np
class Adam:
    def __init__(self, lr=0.001):
        self.lr = lr
        self.m = self.v = None

    def step(self, w, g):
        if self.m is None:
            self.m, self.v = np.zeros_like(w), np.zeros_like(w)
        self.m = 0.9 * self.m + (1 - 0.9) * g
        self.v = 0.999 * self.v + (1 - 0.999) * g**2
        return w - self.lr * self.m / (np.sqrt(self.v) + 1e-8)
"""


def told_of(text, name, rule):
    space = {"__name__": "strangers"}
    exec(compile(text, "strangers.py", "exec"), space)  # noqa: S102 - written in this file
    return examine(adapt(space[name], rule=rule, source=Source("strangers.py", text)))


def test_loops_without_an_end_still_end():
    (mend,) = told_of(ENDLESS, "sgd", "gradient_descent").mends
    assert mend.right == "        w = w - lr * g"


def test_a_class_that_counts_no_steps_is_given_a_counter():
    found = told_of(UNCOUNTED, "Adam", "adam").mends
    assert {mend.code for mend in found} == {"not-corrected"}
    added = [mend.right.strip() for mend in found if not mend.found]
    assert added == ["self.t = 0", "self.t += 1"]
    (last,) = (mend for mend in found if mend.found)
    ratio = "self.m / (1 - 0.9**self.t)) / (np.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8)"
    assert last.right == f"        return w - self.lr * ({ratio}"


UNSTORED = """
import numpy as np
class RMSprop:
    def __init__(self, lr=0.01, rho=0.9):
        self.lr, self.rho, self.v = lr, rho, 0.0

    def step(self, w, g):
        v = self.rho * self.v + (1 - self.rho) * np.square(g)
        return w - self.lr * g / (np.sqrt(v) + 1e-8)
"""


def test_what_was_computed_is_stored_where_it_was_read_and_nowhere_else():
    root = np.sqrt
    (mend,) = told_of(UNSTORED, "RMSprop", "rmsprop").mends
    assert (mend.found, mend.right, mend.where) == ("", "        self.v = v", "strangers.py:9")
    assert np.sqrt is root


FORGETFUL = """
import numpy as np
def momentum(w, g, lr=0.01, beta=0.9):
    v = np.zeros_like(w)
    v = beta * v + (1 - beta) * g
    return w - lr * v
"""


def test_what_no_change_of_a_line_mends_is_not_guessed():
    told = told_of(FORGETFUL, "momentum", "ema_momentum")
    assert (told.kind, told.mends) == ("wrong", ()), told.verdict


def test_a_change_that_only_the_signs_of_one_tape_allow_is_no_proof():
    subject, verdict, _ = planted("lion", ("remembers-before-step",), "arrays")
    found = mends(subject.source, subject, verdict)
    draw = np.random.default_rng(5)
    tape = type(TAPE)(TAPE.theta0, draw.normal(size=(300, TAPE.size)), np.ones(300), TAPE.shapes)
    path = Rebuilder(subject).rebuilt(applied(subject.source.text, found)).play(tape)
    assert found
    assert distance(Hypothesis("lion").trajectory(verdict.numbers, tape), path).residual <= 1e-6


SHARED = """
import numpy as np
print("imported")
calls = []
state = {"t": 0, "m": 0.0}
trained = calls.append("trained")
def sgd(w, g, lr=0.1):
    state["t"] += 1
    state["m"] = 0.9 * state["m"] + g
    return w + lr * state["m"]
"""


def test_only_definitions_and_plain_values_are_executed_again(capsys):
    space = {"__name__": "strangers"}
    exec(compile(SHARED, "shared.py", "exec"), space)  # noqa: S102 - written above
    capsys.readouterr()
    told = examine(adapt(space["sgd"], rule="momentum", source=Source("shared.py", SHARED)))
    assert [mend.right for mend in told.mends] == ['    return w - lr * state["m"]']
    assert space["calls"] == ["trained"]
    assert capsys.readouterr().out == ""
    assert space["state"] == {"t": 0, "m": 0.0}


def singles(style):
    for rule in names():
        for entry in fitting(rule):
            made = Hypothesis(rule, (entry.code,))
            spoken = not set(re.findall(r"\w+", made.text)) & BEYOND_WORDS
            if entry.kind == "mistake" and spoken and acts(made):
                yield rule, entry.code, style


@pytest.mark.deep
@pytest.mark.parametrize("style", STYLES)
def test_nine_in_ten_single_mistakes_have_a_proven_mend(style):
    answers = {}
    for rule, code, _ in singles(style):
        try:
            subject, verdict, lines = planted(rule, (code,), style)
        except ArithmeticError:  # a count from zero, in Python's own numbers
            continue
        if verdict.kind == "wrong":
            found = mends(subject.source, subject, verdict)
            answers[rule, code] = bool({mend.line for mend in found} & lines)
    assert [case for case, hit in answers.items() if not hit][: len(answers) // 10 + 1] == []


@pytest.mark.deep
def test_pairs_of_mistakes_have_proven_mends():
    draw = random.Random(7)  # noqa: S311 - no secret
    cases = draw.sample([case for case in singles("layers") if case[0] in ("adam", "rmsprop", "adamw", "momentum")], 40)
    whole = []
    for rule, code, _ in cases:
        other = draw.choice([e.code for e in fitting(rule) if e.kind == "mistake" and e.code != code])
        made = combined(rule, (code, other))
        if made is None or set(re.findall(r"\w+", made.text)) & BEYOND_WORDS or not acts(made):
            continue
        subject, verdict, _ = planted(rule, (code, other), "layers")
        if len(verdict.mistakes) == 2:
            found = mends(subject.source, subject, verdict)
            whole.append({mend.code for mend in found} == {f.code for f in verdict.mistakes})
    assert sum(whole) >= 0.8 * len(whole)
