"""What scikit-learn descends with, as objects: right in its own form, and made anew for every play."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

import thalweg
from thalweg.check.subjects.libraries.live import known
from thalweg.check.subjects.libraries.recognition import live
from thalweg.check.tape import standard

LOOKS_AHEAD, FOLDED = {"rate-in-look-ahead"}, {"epsilon-hat"}


@pytest.mark.parametrize(
    ("update", "rule", "codes", "numbers"),
    [
        (AdamOptimizer, "adam", FOLDED, {"learning_rate": 1e-3, "epsilon": 1e-8}),
        (AdamOptimizer([np.ones(2)], 0.02, beta_2=0.95, epsilon=1e-4), "adam", FOLDED, {"beta2": 0.95}),
        (SGDOptimizer([np.ones(2)], 0.3, momentum=0.7), "nesterov", LOOKS_AHEAD, {"momentum": 0.7}),
        (SGDOptimizer([np.ones(2)], 0.3, nesterov=False), "momentum", {"rate-in-velocity"}, {"learning_rate": 0.3}),
        (SGDOptimizer([np.ones(2)], momentum=0), "gradient_descent", set(), {"learning_rate": 0.1}),
        (MLPClassifier(beta_1=0.5), "adam", FOLDED, {"beta1": 0.5}),
        (MLPRegressor(solver="sgd", learning_rate="adaptive"), "nesterov", LOOKS_AHEAD, {"learning_rate": 1e-3}),
        (SGDRegressor(penalty=None), "gradient_descent", set(), {"learning_rate": 0.01}),
        (SGDClassifier(learning_rate="constant", eta0=0.2, alpha=0.05), "gradient_descent", {"l2-in-gradient"}, {}),
    ],
    ids=[
        "class", "adam", "nesterov", "heavy ball", "no momentum", "classifier", "sgd", "linear", "linear classifier",
    ],
)  # fmt: skip
def test_scikit_learn_is_recognised_with_its_own_numbers(update, rule, codes, numbers):
    verdict = thalweg.diagnose(update).verdict
    assert (verdict.kind in ("right", "same"), verdict.rule, verdict.codes) == (True, rule, codes)
    assert verdict.numbers.items() >= numbers.items()


def test_an_optimizer_in_use_is_neither_changed_nor_asked_for_its_memory():
    weights = [np.ones(2)]
    used = SGDOptimizer(weights, 0.1)
    used.update_params(weights, [np.ones(2)])
    before = [v.copy() for v in used.velocities]
    path = live(used).play(standard())
    np.testing.assert_array_equal(path.thetas, live(used).play(standard()).thetas)
    np.testing.assert_array_equal(used.velocities, before)
    assert used.learning_rate == 0.1


def test_what_asks_for_the_loss_cannot_run():
    told = thalweg.diagnose(MLPRegressor(solver="lbfgs"))
    assert told.kind == "cannot_run"
    assert "solver='lbfgs'" in told.verdict.note


def test_elastic_net_is_no_rule_of_ours_and_is_not_called_wrong():
    update = SGDRegressor(penalty="elasticnet", alpha=0.1, learning_rate="constant")
    assert thalweg.diagnose(update, numbers={"learning_rate": 0.01}).kind == "unknown"


def test_what_is_not_a_number_is_no_number():
    settings = {"lr": np.float32(0.5), "eps": True, "betas": (0.9, None), "momentum": 0, "rho": "auto"}
    roles = {"lr": "learning_rate", "eps": "epsilon", "betas": ("beta1", "beta2"), "momentum": "momentum", "rho": "rho"}
    assert known(settings, roles) == {"learning_rate": 0.5, "beta1": 0.9}
