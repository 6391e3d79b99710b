"""Our weights as PyTorch's modules: the same scores, and files that PyTorch's users read without this library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import Outputs
from thalweg.estimators import LinearClassifier, MLPClassifier, MLPRegressor
from thalweg.exchange.models import TrainedModel, load
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables import Table, read_table
from thalweg.exchange.torch import module, write
from thalweg.formulas import catalog
from thalweg.formulas.activations import elu, leaky_relu
from thalweg.formulas.losses import log, poisson

pytestmark = pytest.mark.peers

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((1000, 3))
WRITTEN = Path(__file__).parents[1] / "exchange" / "written"
CHOSEN = [*catalog.activations().values(), leaky_relu(slope=0.3), elu(alpha=0.5)]


def scores(made: Any, rows: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return np.asarray(made(torch.tensor(rows)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("chosen", CHOSEN, ids=repr)
def test_every_activation_has_its_layer(chosen, dtype):
    model = Network((3, 6, 4, 2), (chosen, chosen), (0.3, 0.0))
    theta = DRAW.normal(0, 3, model.size).astype(dtype)  # far into the tails
    found, wanted = scores(module(model, theta), X.astype(dtype)), model.scores(theta, X.astype(dtype))
    assert found.dtype == wanted.dtype
    size = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=size * (1e-13 if dtype == "float64" else 1e-5))


@pytest.mark.parametrize("intercept", [True, False])
def test_a_linear_model_is_one_layer(intercept):
    model = Linear(3, 2, intercept)
    theta = DRAW.normal(size=model.size)
    np.testing.assert_allclose(scores(module(model, theta), X), model.scores(theta, X), rtol=1e-13, atol=1e-14)


def test_an_estimator_gives_its_decision_function():
    y = np.array(["a", "b", "c"])[np.digitize(X.sum(axis=1), [-1, 1])]
    told: dict[str, Any] = {"batch_size": 100, "max_iter": 2, "tol": None, "random_state": 0}
    for estimator in (LinearClassifier(**told), MLPClassifier((5,), **told)):
        made = estimator.fit(X, y).to_torch()
        np.testing.assert_allclose(scores(made, X), estimator.decision_function(X), rtol=1e-12, atol=1e-12)
    regressor = MLPRegressor((5,), **told).fit(X, X[:, 0])
    made = regressor.to_torch()
    np.testing.assert_allclose(scores(made, X)[:, 0], regressor.predict(X), rtol=1e-12, atol=1e-12)


def test_a_module_is_pytorchs_own_and_holds_copies():
    import torch

    model = Network((3, 4, 1), (elu,), (0.5,))
    theta = DRAW.normal(size=model.size)
    made = module(model, theta)
    assert [type(layer).__module__.split(".")[0] for layer in made] == ["torch"] * 4
    assert not made.training
    before = theta.copy()
    with torch.no_grad():
        made[0].weight.zero_()
    assert theta.tolist() == before.tolist()
    assert isinstance(made.train()[2], torch.nn.Dropout)
    assert made[2].p == 0.5


# Files


def predictions(source: Path, rows: list[dict[str, Any]]) -> list[Any]:
    """What the file says in a process of its own, which must not import this library."""
    script = (
        f"import sys, runpy, json; sys.path.insert(0, {str(source.parent)!r})\n"
        f"import {source.stem} as made\n"
        f"found = made.predict(json.loads({json.dumps(rows)!r}))\n"
        "assert not any(name.startswith('thalweg') for name in sys.modules)\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def dictionaries(table: Table) -> list[dict[str, Any]]:
    gaps = [np.isnan(c) if c.dtype == np.float64 else np.zeros(len(c), bool) for c in table.columns]
    cells = [np.where(gap, None, column).tolist() for gap, column in zip(gaps, table.columns, strict=True)]
    return [dict(zip(table.names, row, strict=True)) for row in zip(*cells, strict=True)]


@pytest.mark.parametrize("name", ["regression-2", "classification-1"])
def test_the_files_say_what_the_model_says(tmp_path, name):
    model = load(WRITTEN / f"{name}.thalweg")
    table = read_table(WRITTEN / "flats.csv", missing="keep")
    weights = write(tmp_path / "rents.py", model)
    assert weights == tmp_path / "rents.safetensors"
    found, wanted = predictions(tmp_path / "rents.py", dictionaries(table)), model.predict(table).tolist()
    assert found == (wanted if isinstance(wanted[0], str) else pytest.approx(wanted, rel=1e-12))


@pytest.mark.parametrize(
    "outputs",
    [Outputs.regression(poisson), Outputs.classification(log, ["no", "yes"]), Outputs.classification(log, [0.0, 1.0])],
    ids=["poisson", "two", "numbers"],
)
def test_scores_become_predictions(tmp_path, outputs):
    table = Table(["a", "b"], [DRAW.normal(size=50), DRAW.normal(size=50)])
    model = TrainedModel(Linear(2), DRAW.normal(size=3), outputs, Preparation.fit(table), "y")
    write(tmp_path / "model.py", model)
    found, wanted = predictions(tmp_path / "model.py", dictionaries(table)), model.predict(table).tolist()
    assert found == (wanted if isinstance(wanted[0], str) else pytest.approx(wanted, rel=1e-12))


def test_names_and_categories_cannot_run(tmp_path):
    """What comes out of a model's file stands in the text as literals."""
    bad = ['"""\nimport os\nos._exit(3)\n"""', "'\nos._exit(3)#", "{weights}\\", "\u2028\ud800é", '"}]))']
    text = np.array([*bad, bad[0]], object)
    table = Table(bad, [text, *(DRAW.normal(size=6) for _ in bad[1:])])
    model = TrainedModel(Linear(9), DRAW.normal(size=10), Outputs.classification(log, sorted(bad[:2])),
                         Preparation.fit(table), bad[0])  # fmt: skip
    write(tmp_path / "model.py", model)
    rows = dictionaries(table)
    assert predictions(tmp_path / "model.py", rows) == model.predict(table).tolist()
