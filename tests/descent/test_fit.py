"""What does not fit together is refused before a kernel goes where it is sent."""

from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.objective import Objective
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import ThalwegError
from thalweg.formulas.activations import relu
from thalweg.formulas.losses import softmax, squared
from thalweg.formulas.penalties import l2
from thalweg.formulas.rules import adam

X, Y = np.eye(4, 3), np.arange(4.0)
ROWS = Rows.of(X, Y)
NET = Network((3, 5, 1), (relu,))
LANES = Linear(3, lanes=4)


def settings(**given):
    return Settings(**{"optimizer": adam, "loss": squared, "max_iter": 1, **given})


RUNS = {
    "fewer features": (lambda: Run(Linear(2), ROWS, settings()), "X: has 3 columns, the model has 2"),
    "more features": (lambda: Run(Linear(3000), ROWS, settings(batch_size=1)), "X: has 3 columns, the model has 3000"),
    "more inputs": (lambda: Run(Network((9, 5, 1), (relu,)), ROWS, settings()), "X: has 3 columns, the model has 9"),
    "objective": (lambda: Objective(Linear(9), ROWS, squared), "X: has 3 columns, the model has 9"),
    "no rows": (lambda: Run(Linear(3), Rows.of(X[:0], Y[:0]), settings()), "X: has no rows"),
    "one score": (lambda: Run(Linear(3), ROWS, settings(loss=softmax)), "y: has 1 column; softmax compares"),
    "state": (
        lambda: Run(Linear(3), ROWS, settings(), state=np.zeros((1, 1))),
        "state: has shape .1, 1., adam",
    ),
    "rates": (lambda: Run(LANES, ROWS, settings(), rates=np.ones(2)), "rates: has shape .2,., the model has 4 columns"),
    "t": (lambda: Run(Linear(3), ROWS, settings(), t=-5), "t: must be >= 0, got -5"),
    "penalties": (lambda: Run(NET, ROWS, settings(penalty=[l2])), "penalty: names 1 layers, the model has 2"),
}
VALUES = {
    "weights below 0": (lambda: Rows.of(X, Y, -np.ones(4)), "sample_weight: must be finite and >= 0"),
    "half precision": (lambda: Rows.of(X, Y, dtype="float16"), "dtype: must be float64 or float32, got 'float16'"),
    "name of a rule": (lambda: settings(optimizer="adam"), "optimizer: must be of kind Rule, got str 'adam'"),
    "loss for rule": (lambda: settings(optimizer=squared), "optimizer: must be of kind Rule, got Loss squared"),
    "name of a loss": (lambda: settings(loss="squared"), "loss: must be of kind Loss, got str"),
    "loss for penalty": (lambda: settings(penalty=squared), "penalty: must be of kind Penalty, got Loss"),
    "rule for schedule": (lambda: settings(schedule=adam), "schedule: must be of kind Schedule, got Rule"),
    "dropout": (lambda: Network((3, 5, 1), (relu,), (1.5,)), "dropout: must be in"),
    "no units": (lambda: Network((3, 0, 1), (relu,)), "layer_sizes: must be an integer >= 1, got 0"),
    "no outputs": (lambda: Network((3,), ()), "layer_sizes: names features and outputs at least"),
    "name of an activation": (lambda: Network((3, 5, 1), ("relu",)), "hidden_activations: must be of kind Activation"),  # type: ignore[arg-type]
    "features below 0": (lambda: Linear(-1), "n_features: must be an integer >= 0, got -1"),
}


def test_a_divergence_is_told_in_a_sentence():
    run = Run(Linear(3), ROWS, settings(optimizer=adam(learning_rate=1e308), max_iter=9)).descend()
    assert run.divergence is not None
    assert run.divergence.message == "the parameters are not finite at update 1, in epoch 1"


@pytest.mark.parametrize(("make", "answer"), [*RUNS.values(), *VALUES.values()], ids=[*RUNS, *VALUES])
def test_what_does_not_fit_is_refused(make, answer):
    with pytest.raises(ThalwegError, match=answer):
        make().descend()
