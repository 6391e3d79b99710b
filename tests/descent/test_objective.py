"""The objective as a function: the value and gradient that a run descends on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.descent.batches import Rows
from thalweg.descent.minimize import minimize
from thalweg.descent.models import Linear, Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError
from thalweg.formulas.activations import relu, tanh
from thalweg.formulas.formula import Loss
from thalweg.formulas.losses import log, softmax, squared
from thalweg.formulas.penalties import l1, l2
from thalweg.formulas.rules import adam

GENERATOR = np.random.default_rng(7)
X = GENERATOR.normal(size=(40, 3))
NUMBERS = GENERATOR.normal(size=(40, 2))
LABELS = (GENERATOR.random(40) < 0.5).astype(float)
ONE_HOT = np.eye(3)[GENERATOR.integers(0, 3, 40)]
WEIGHTS = GENERATOR.uniform(0.1, 3, 40)

DEEP = Network((3, 4, 5, 1), (tanh, relu))
WIDE = Network((3, 70, 3), (tanh,))
DROPPING = Network((3, 4, 5, 1), (tanh, relu), (0.3, 0.5))
MASKS = [GENERATOR.random((40, 4)) < 0.7, GENERATOR.random((40, 5)) < 0.5]

CASES = {
    "linear, two outputs": Objective(Linear(3, 2), Rows.of(X, NUMBERS), squared, penalty=l2(alpha=0.1)),
    "linear, weighted": Objective(Linear(3), Rows.of(X, LABELS, WEIGHTS), log, penalty=l1(alpha=0.1)),
    "linear, CSR": Objective(Linear(3), Rows.of(csr_array(X * (X > 0)), LABELS), log),
    "linear, no intercept": Objective(Linear(3, 1, fit_intercept=False), Rows.of(X, LABELS), log),
    "network": Objective(DEEP, Rows.of(X, LABELS), log, penalty=[None, l2(alpha=0.2), l2(alpha=0.1)]),
    "wide network": Objective(WIDE, Rows.of(X, ONE_HOT), softmax, penalty=l2(alpha=0.1)),
    "network, CSR": Objective(DEEP, Rows.of(csr_array(X * (X > 0)), LABELS), log),
    "masks": Objective(DROPPING, Rows.of(X, LABELS), log, masks=MASKS),
}


@pytest.mark.parametrize("objective", CASES.values(), ids=CASES)
def test_gradient_is_that_of_the_value(objective: Objective) -> None:
    theta = np.random.default_rng(3).normal(size=objective.model.size)
    steps = 1e-6 * np.eye(theta.size)
    numeric = [(objective(theta + step) - objective(theta - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(objective.gradient(theta), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("objective", CASES.values(), ids=CASES)
def test_value_alone_has_the_bits_of_the_value_beside_the_gradient(objective: Objective) -> None:
    theta = np.random.default_rng(9).normal(size=objective.model.size)
    assert objective.value(theta) == objective.value_and_gradient(theta)[0]


@pytest.mark.parametrize("name", ["linear, two outputs", "linear, no intercept", "masks"])
def test_value_is_the_mean_loss_of_the_scores_plus_the_penalty(name: str) -> None:
    objective = CASES[name]
    theta = np.random.default_rng(4).normal(size=objective.model.size)
    loss, target = (squared, NUMBERS) if objective.model.n_outputs == 2 else (log, LABELS[:, None])
    cost = 0.1 / 2 * (theta[:6] ** 2).sum() if loss is squared else 0.0
    expected = loss.value(target, objective.scores(theta)).sum() / 40 + cost
    assert objective.value(theta) == pytest.approx(expected, rel=1e-13)


SMOOTH = {
    "weighted": (Linear(3), Rows.of(X, LABELS, WEIGHTS), log, l2(alpha=0.1)),
    "network": (DEEP, Rows.of(X, LABELS), log, [None, l2(alpha=0.2), l2(alpha=0.1)]),
    "wide network": (WIDE, Rows.of(X, ONE_HOT), softmax, l2(alpha=0.1)),
}


@pytest.mark.parametrize(("model", "rows", "loss", "penalty"), SMOOTH.values(), ids=SMOOTH)
def test_minimize_walks_on_it_as_a_run_does(model: Any, rows: Rows, loss: Loss, penalty: Any) -> None:
    rule, theta = adam(learning_rate=0.05), np.random.default_rng(5).normal(size=model.size)
    objective = Objective(model, rows, loss, penalty=penalty)
    run = Run(model, rows, Settings(rule, loss, penalty=penalty, max_iter=20), theta=theta).descend()
    result = minimize(
        objective.value_and_gradient, theta, jac=True, optimizer=rule, max_iter=19, gtol=0, trajectory=True
    )
    assert result.path.shape == (20, theta.size)
    np.testing.assert_allclose(result.path_fun, run.loss_curve, rtol=1e-12)


def test_units_that_are_dropped_get_no_gradient() -> None:
    none_of_the_first = [np.ones((40, 4), dtype=bool), np.ones((40, 5), dtype=bool)]
    none_of_the_first[0][:, 0] = False
    objective = Objective(DROPPING, Rows.of(X, LABELS), log, masks=none_of_the_first)
    gradient = objective.gradient(np.random.default_rng(6).normal(size=DROPPING.size))
    first, second = DROPPING.coefs(gradient)[:2]
    assert not first[:, 0].any()
    assert not second[0].any()
    assert first[:, 1].all()


def test_rows_of_float32_give_a_gradient_of_float32() -> None:
    objective = Objective(DEEP, Rows.of(X, LABELS, dtype="float32"), log)
    theta = np.random.default_rng(8).normal(size=DEEP.size)
    assert objective.gradient(theta).dtype == np.float32
    exact = Objective(DEEP, Rows.of(X, LABELS), log).gradient(theta)
    np.testing.assert_allclose(objective.gradient(theta), exact, rtol=1e-3, atol=1e-5)


REFUSED = {
    "masks without dropout": ({"model": DEEP, "masks": MASKS}, "SETTING-MASKS"),
    "one mask of two": ({"model": DROPPING, "masks": MASKS[:1]}, "SETTING-MASKS"),
    "a mask of another shape": ({"model": DROPPING, "masks": [MASKS[1], MASKS[1]]}, "SETTING-MASKS"),
    "a mask where nothing is dropped": (
        {"model": Network((3, 4, 5, 1), (tanh, relu), (0.3, 0.0)), "masks": MASKS},
        "SETTING-MASKS",
    ),
    "one penalty for three layers": ({"model": DEEP, "penalty": [l2]}, "SETTING-LAYERS"),
    "layers of other penalties": ({"model": DEEP, "penalty": [l2, l1, None]}, "SETTING-PENALTY"),
    "no penalty": ({"model": DEEP, "penalty": "l2"}, "SETTING-TYPE"),
    "lanes": ({"model": Linear(3, lanes=2)}, "SETTING-LANES"),
    "another number of outputs": ({"model": Linear(3, 2)}, "DATA-OUTPUTS"),
}


@pytest.mark.parametrize(("given", "code"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(given: dict[str, object], code: str) -> None:
    with pytest.raises(SettingError) as caught:
        Objective(rows=Rows.of(X, LABELS), loss=log, **given)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_theta_of_another_length_is_refused() -> None:
    with pytest.raises(SettingError, match="theta"):
        CASES["network"].value(np.zeros(3))


def test_scores_of_csr_rows_are_left_to_the_model() -> None:
    with pytest.raises(SettingError, match="dense"):
        CASES["linear, CSR"].scores(np.zeros(4))
