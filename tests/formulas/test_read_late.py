"""The library's own formulas are read when something is first asked of them, and nobody can tell."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.base import clone

from thalweg.formulas.formula import Rule, rule

OPTIONS = {"starts": {"s": "first"}}
RANGES = {"first": "[0, 9]"}


def drift(theta, g, t, s, *, learning_rate=0.5, first=3.0):
    """Move."""
    s = s + g
    return theta - learning_rate * s, s


@pytest.fixture
def late() -> Rule:
    return Rule.later(drift, RANGES, OPTIONS)


def test_importing_the_formulas_reads_no_more_than_the_penalties():
    # A penalty with a proximal step is read where the second decorator meets it.
    script = """
from thalweg.formulas import source
read = []
fetch = source._fetch
source._fetch = lambda function: read.append(function.__name__) or fetch(function)
from thalweg.formulas import catalog
assert len(catalog.rules()) > 20 and len(catalog.schedules()) > 8
assert set(read) <= set(catalog.penalties()), read
assert catalog.find("rule", "adam").learning_rate == 0.001
assert read[-1:] == ["adam"], read
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "ask",
    [
        lambda made: made(first=1.0),
        lambda made: made.learning_rate,
        lambda made: made.slots,
        lambda made: (made.name, made.__doc__),
        lambda made: made.fingerprint,
        lambda made: made.source(),
        repr,
        hash,
        inspect.signature,
        clone,
        copy.copy,
        copy.deepcopy,
        lambda made: pickle.loads(pickle.dumps(made)),  # noqa: S301 - made in this line
    ],
    ids="call number slots name fingerprint source repr hash signature clone copy deepcopy pickle".split(),
)
def test_the_first_question_is_answered_as_by_a_formula_that_was_read_at_once(late, ask):
    assert ask(late) == ask(rule(starts={"s": "first"}, ranges=RANGES)(drift))


def test_a_late_formula_equals_one_that_was_read_at_once(late):
    assert late == rule(starts={"s": "first"}, ranges=RANGES)(drift)
    assert late != rule(starts={"s": 3.0}, ranges=RANGES)(drift)


def test_many_threads_may_ask_first():
    for _ in range(20):
        made = Rule.later(drift, RANGES, OPTIONS)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda k, made=made: getattr(made, ("slots", "first")[k % 2]), range(32)))
        assert set(answers) == {("s",), 3.0}


def test_a_name_that_a_formula_does_not_have_is_missing_all_the_same(late):
    with pytest.raises(AttributeError, match="drift has no attribute 'beta1'"):
        _ = late.beta1
