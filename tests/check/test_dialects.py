"""How PyTorch, Optax and Keras write their rules is never called wrong.

The rules of the cases step as those libraries do, to 1e-12: the peers' own tests hold that against recorded and live
runs. Here the doctor sees them.
"""

import pytest
from tests.peers.cases import CASES

from thalweg.check.search import explain
from thalweg.check.tape import standard
from thalweg.check.trajectory import play_rule

FIRST = {case.rule.name: case.rule for case in reversed(CASES)}
ALL = list(dict.fromkeys(case.rule for case in CASES))


def verdict_on(rule, tape, known):
    return explain(play_rule(rule, tape), tape, known)


@pytest.mark.parametrize("rule", FIRST.values(), ids=FIRST)
def test_no_dialect_is_called_wrong(rule):
    verdict = verdict_on(rule, standard(), rule.hyperparameters)
    assert (verdict.kind in ("right", "same"), verdict.mistakes) == (True, ())
    assert verdict.residual < 1e-6


@pytest.mark.deep
@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_no_dialect_is_called_wrong_at_any_numbers(rule):
    verdict = verdict_on(rule, standard().steady(), rule.hyperparameters)
    assert verdict.kind in ("right", "same")


@pytest.mark.deep
@pytest.mark.parametrize("rule", FIRST.values(), ids=FIRST)
def test_no_dialect_is_called_wrong_when_only_its_rate_is_known(rule):
    rate = {name: value for name, value in rule.hyperparameters.items() if name == "learning_rate"}
    assert verdict_on(rule, standard().steady(), rate).kind != "wrong"
