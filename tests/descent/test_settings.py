"""Numbers and settings that are refused where they enter, in a line that says which, what and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError, ThalwegError
from thalweg.formulas import losses, penalties, rules, schedules

ROWS = Rows.of(np.arange(6.0).reshape(3, 2), np.arange(3.0))


def told(**given: Any) -> Settings:
    return Settings(**{"optimizer": rules.adam, "loss": losses.squared, **given})


# The rows BH of the catalogue of bad inputs that concern a rule's numbers and the settings of a run.
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "BH01 rate 0": (lambda: rules.adam(learning_rate=0), "learning_rate of adam: must be > 0, got 0"),
    "BH01 rate below 0": (lambda: rules.adam(learning_rate=-0.1), "learning_rate of adam: must be > 0, got -0.1"),
    "BH02 rate nan": (lambda: rules.adam(learning_rate=math.nan), "learning_rate of adam: must be finite, got nan"),
    "BH02 rate inf": (lambda: rules.adam(learning_rate=math.inf), "learning_rate of adam: must be finite, got inf"),
    "BH03 rate text": (lambda: rules.adam(learning_rate="0.1"), "must be a real number, got str '0.1'"),
    "BH03 rate None": (lambda: rules.adam(learning_rate=None), "must be a real number, got NoneType None"),
    "BH03 rate True": (lambda: rules.adam(learning_rate=True), "must be a real number, got bool True"),
    "BH03 rate array": (lambda: rules.adam(learning_rate=np.ones(2)), "must be a real number, got ndarray"),
    "BH03 rate list": (lambda: rules.adam(learning_rate=[0.1]), "must be a real number, got list"),
    "BH03 rate complex": (lambda: rules.adam(learning_rate=1j), "must be a real number, got complex 1j"),
    "BH05 beta1 1": (lambda: rules.adam(beta1=1.0), "beta1 of adam: must be in [0, 1), got 1.0"),
    "BH05 beta1 below 0": (lambda: rules.adam(beta1=-0.1), "beta1 of adam: must be in [0, 1), got -0.1"),
    "BH05 beta1 above 1": (lambda: rules.adam(beta1=1.5), "beta1 of adam: must be in [0, 1), got 1.5"),
    "BH05 beta2 1": (lambda: rules.adam(beta2=1), "beta2 of adam: must be in [0, 1), got 1"),
    "BH06 epsilon": (lambda: rules.adam(epsilon=-1e-8), "epsilon of adam: must be >= 0, got -1e-08"),
    "BH07 momentum": (lambda: rules.momentum(momentum=1), "momentum of momentum: must be in [0, 1), got 1"),
    "BH08 decay": (lambda: rules.adamw(weight_decay=-1), "weight_decay of adamw: must be >= 0, got -1"),
    "BH10 epochs 0": (lambda: told(max_iter=0), "max_iter: must be an integer >= 1, got 0"),
    "BH10 epochs below 0": (lambda: told(max_iter=-1), "max_iter: must be an integer >= 1, got -1"),
    "BH10 epochs 1.5": (lambda: told(max_iter=1.5), "max_iter: must be an integer >= 1, got float 1.5"),
    "BH10 epochs 1e3": (lambda: told(max_iter=1e3), "max_iter: must be an integer >= 1, got float 1000.0"),
    "BH10 epochs True": (lambda: told(max_iter=True), "max_iter: must be an integer >= 1, got bool True"),
    "BH11 batch 0": (lambda: told(batch_size=0), "batch_size: must be an integer >= 1, got 0"),
    "BH11 batch text": (lambda: told(batch_size="all"), "batch_size: must be an integer >= 1, got str 'all'"),
    "BH12 tol below 0": (lambda: told(tol=-1e-4), "tol: must be >= 0, got -0.0001"),
    "BH12 tol nan": (lambda: told(tol=math.nan), "tol: must be finite, got nan"),
    "patience": (lambda: told(tol=0.0, n_iter_no_change=0), "n_iter_no_change: must be an integer >= 1, got 0"),
    "BH15 option": (lambda: rules.gradient_descent(amsgrad=True), "'amsgrad' is not one of its hyperparameters"),
    "BH15 misspelt": (lambda: rules.adam(beta_1=0.9), "did you mean 'beta1'?"),
    "BH15 what it has": (lambda: rules.lion(epsilon=1e-8), "It has: learning_rate, beta1, beta2, weight_decay."),
    "BH17 seed below 0": (lambda: Run(Linear(2), ROWS, told(), random_state=-1), "random_state: must be None"),
    "BH17 seed 1.5": (lambda: Run(Linear(2), ROWS, told(), random_state=1.5), "got float 1.5"),
    "BH17 seed text": (lambda: Run(Linear(2), ROWS, told(), random_state="x"), "got str 'x'"),
    "BH18 decay 0": (lambda: schedules.exponential(gamma=0), "gamma of exponential: must be in (0, 1], got 0"),
    "BH18 decay above 1": (
        lambda: schedules.exponential(gamma=1.1),
        "gamma of exponential: must be in (0, 1], got 1.1",
    ),
    "BH18 no rate": (lambda: told(optimizer=rules.rprop, schedule=schedules.cosine), "rprop has no learning_rate"),
    "BH19 clip 0": (lambda: told(clip_norm=0), "clip_norm: must be > 0, got 0"),
    "BH19 clip below 0": (lambda: told(clip_value=-1.0), "clip_value: must be > 0, got -1.0"),
    "BH19 both clips": (lambda: told(clip_value=1, clip_norm=1), "only one of the two can be given"),
    "BH26 half": (lambda: Rows.of(np.ones((2, 1)), np.ones(2), dtype="float16"), "must be float64 or float32"),
    "BH26 integers": (lambda: Rows.of(np.ones((2, 1)), np.ones(2), dtype="int32"), "must be float64 or float32"),
    "BE21 shape": (lambda: Run(Linear(2), ROWS, told(), theta=np.ones(2)), "theta: has shape (2,), the model has (3,)"),
    "BE21 complex": (lambda: Run(Linear(2), ROWS, told(), theta=np.ones(3) * 1j), "real numbers, is one of complex128"),
    "BE21 text": (
        lambda: Run(Linear(2), ROWS, told(), theta=["1", "2", "3"]),
        "theta: must be an array of real numbers",
    ),
    "BE21 state": (lambda: Run(Linear(2), ROWS, told(), state=np.ones(3)), "state: has shape (3,), "),
    "BH27 ratio": (lambda: penalties.elastic_net(l1_ratio=1.2), "l1_ratio of elastic_net: must be in [0, 1], got 1.2"),
    "BH27 ratio of l2": (lambda: penalties.l2(l1_ratio=0.5), "'l1_ratio' is not one of its hyperparameters"),
    "two penalties": (lambda: told(penalty=[penalties.l1, penalties.l2]), "got l1, l2"),
    "target loss": (lambda: told(target_loss=math.nan), "target_loss: must be finite, got nan"),
    "time": (lambda: told(time_limit=0), "time_limit: must be > 0, got 0"),
    "declaration": (lambda: rules.adam.set_params(beta1=0.5), "Make a copy: adam(beta1=...)."),
    "positional": (lambda: rules.adam().set_params(**{"": 1}), "is not one of its hyperparameters"),
    "epochs made": (lambda: Run(Linear(2), ROWS, told(), epoch=-1), "epoch: must be an integer >= 0"),
    "epochs made 1.5": (lambda: Run(Linear(2), ROWS, told(), epoch=1.5), "epoch: must be an integer >= 0"),  # type: ignore[arg-type]
    "lanes without rates": (lambda: Run(Linear(2, lanes=3), ROWS, told()), "rates: must be given for 3 lanes"),
    "order of fractions": (
        lambda: Run(Linear(2), ROWS, told(), order=lambda epoch: np.array([0.5])).descend(),
        "order: must name rows 0 to 2",
    ),
    "order outside": (lambda: Run(Linear(2), ROWS, told(), order=lambda epoch: [3]).descend(), "rows 0 to 2"),  # type: ignore[arg-type,return-value]
    "order before": (lambda: Run(Linear(2), ROWS, told(), order=lambda epoch: [-1]).descend(), "rows 0 to 2"),  # type: ignore[arg-type,return-value]
    "order empty": (lambda: Run(Linear(2), ROWS, told(), order=lambda epoch: []).descend(), "rows 0 to 2"),  # type: ignore[arg-type,return-value]
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_a_bad_setting_is_refused_in_a_line_or_two(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ThalwegError) as caught:
        make()
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 5
    assert len(str(caught.value)) < 400
    assert isinstance(caught.value, ValueError)


def test_a_formula_takes_its_numbers_by_name() -> None:
    with pytest.raises(TypeError, match=r"adam\(\) takes hyperparameters by name"):
        rules.adam(0.1)


def test_a_bad_number_changes_nothing() -> None:
    mine = rules.adam(learning_rate=0.1)
    with pytest.raises(SettingError):
        mine.set_params(beta1=0.5, beta2=7)
    assert mine == rules.adam(learning_rate=0.1)


@pytest.mark.parametrize(
    "given",
    [
        {"max_iter": np.int64(3), "batch_size": np.int32(2), "tol": np.float32(0.5), "n_iter_no_change": np.int8(2)},
        {"optimizer": rules.adam(learning_rate=np.float32(0.5), beta1=0, epsilon=np.float64(0))},
        {"batch_size": 10**9, "max_iter": 1},
        {"optimizer": rules.adam(learning_rate=1e-300)},
        {"penalty": [penalties.l2]},
        {"penalty": (None,)},
        {"tol": 0},
    ],
    ids=str,
)
def test_a_good_setting_runs(given: dict[str, Any]) -> None:
    settings = told(**{"max_iter": 2, **given})
    run = Run(Linear(2), ROWS, settings, random_state=2**200).descend()
    assert run.epoch == settings.max_iter
    assert np.isfinite(run.theta).all()
