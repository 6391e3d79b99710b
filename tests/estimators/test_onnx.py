"""Estimators as ONNX graphs: another engine says the same of ten thousand rows, also in pipelines (promise M4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import skl2onnx
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from thalweg.errors import SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.estimators.onnx import register, to_onnx
from thalweg.formulas import activations, catalog, losses
from thalweg.formulas.formula import activation

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((10_000, 3))
NUMBERS = X @ [1.0, -2.0, 0.5]
THREE = np.array(["a", "b", "ç"])[np.digitize(NUMBERS, [-1, 1])]
TOLD: dict[str, Any] = {"batch_size": 500, "max_iter": 2, "tol": None, "random_state": 0}


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> list[Any]:
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return list(onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, inputs))


def worst(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the value or, where terms cancel, to the root of the mean square."""
    size = np.maximum(np.abs(wanted), np.sqrt(np.mean(np.square(wanted))))
    return float((np.abs(found - wanted) / size).max())


def assert_same(estimator: Any, dtype: str, model: onnx.ModelProto | None = None) -> None:
    rows = X.astype(dtype)
    found = run(model or to_onnx(estimator), X=rows)
    exact = 1e-12 if dtype == "float64" else 1e-5
    if not hasattr(estimator, "classes_"):
        wanted = estimator.predict(rows).reshape(len(rows), -1)
        assert (found[0].dtype, found[0].shape) == (dtype, wanted.shape)
        assert worst(found[0], wanted) <= exact
        return
    assert found[0].tolist() == estimator.predict(rows).tolist()
    if hasattr(estimator, "predict_proba"):
        wanted = estimator.predict_proba(rows)
    else:
        scores = estimator.decision_function(rows)
        wanted = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    assert (found[1].dtype, found[1].shape) == (dtype, wanted.shape)
    assert worst(found[1], wanted) <= exact


CASES = {
    "regressor": (LinearRegressor(**TOLD), NUMBERS),
    "no-intercept": (LinearRegressor(fit_intercept=False, **TOLD), NUMBERS),
    "outputs": (LinearRegressor(**TOLD), np.column_stack([NUMBERS, -NUMBERS])),
    "poisson": (LinearRegressor("poisson", **TOLD), np.exp(NUMBERS / 4)),
    "two": (LinearClassifier(**TOLD), NUMBERS > 0),
    "two-columns": (LinearClassifier(losses.softmax, **TOLD), (NUMBERS > 0).astype(int)),
    "three": (LinearClassifier(**TOLD), THREE),
    "each-against-the-rest": (LinearClassifier(losses.log, **TOLD), THREE),
    "margin": (LinearClassifier("modified_huber", **TOLD), THREE),
    "margin-two": (LinearClassifier("modified_huber", **TOLD), np.where(NUMBERS > 0, 2.0, -1.0)),
    "hinge": (LinearClassifier("hinge", **TOLD), THREE),
    "hinge-two": (LinearClassifier("hinge", **TOLD), np.where(NUMBERS > 0, 3.0, 1.0)),
    "several-labels": (MLPClassifier((4,), **TOLD), np.column_stack([NUMBERS > 0, NUMBERS < 1]).astype(int)),
    "several-margins": (LinearClassifier("hinge", **TOLD), np.column_stack([NUMBERS > 0, NUMBERS < 1]).astype(int)),
    "network": (MLPRegressor((8, 4), activation=["tanh", "relu"], dropout=0.2, **TOLD), NUMBERS),
    "network-three": (MLPClassifier((8,), **TOLD), THREE),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_another_engine_says_the_same(case, dtype):
    fresh, y = CASES[case]
    assert_same(clone(fresh).fit(X.astype(dtype), y), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", catalog.activations())
def test_every_activation_is_written_from_its_formula(name, dtype):
    network = MLPRegressor((6,), activation=name, **TOLD).fit(X.astype(dtype), NUMBERS)
    network.theta_[...] *= 20  # far into the tails
    assert_same(network, dtype)


def test_a_formula_of_ones_own_is_written_too():
    @activation
    def bell(z, *, width=2.0):
        a = np.exp(-np.square(z / width)) + np.hypot(z, 1) - np.logaddexp(z, 0)
        e = np.exp(-np.abs(z))
        slope = np.where(z >= 0, 1, e) / (1 + e)
        return a, -2 * z / width**2 * np.exp(-np.square(z / width)) + z / np.hypot(z, 1) - slope

    network = MLPRegressor((6,), activation=bell(width=3.0), **TOLD).fit(X, NUMBERS)
    assert_same(network, "float64")


def test_a_function_that_onnx_has_not_is_named():
    @activation
    def odd(z):
        a = np.copysign(z, 1) * 0 + z
        return a, 1 + 0 * z

    network = MLPRegressor((6,), activation=odd, **TOLD).fit(X, NUMBERS)
    with pytest.raises(SettingError, match=r"'odd' uses np\.copysign, for which ONNX has nothing"):
        to_onnx(network)


def test_ties_go_to_the_same_class():
    """Whole numbers, so that sums are exact in both engines: most of these rows are ties."""
    rows = DRAW.integers(-1, 2, size=(10_000, 3)).astype(float)
    two, three = clone(CASES["two"][0]).fit(X, NUMBERS > 0), clone(CASES["three"][0]).fit(X, THREE)
    two.theta_[...] = [1.0, -1.0, 1.0, 0.0]
    three.theta_[...] = [1.0, 1.0, -1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert (two.decision_function(rows) == 0).mean() > 0.2
    best = np.sort(three.decision_function(rows), axis=1)
    assert (best[:, -1] == best[:, -2]).mean() > 0.2
    for estimator in (two, three):
        for dtype in ("float64", "float32"):
            found = run(to_onnx(estimator, dtype), X=rows.astype(dtype))
            assert found[0].tolist() == estimator.predict(rows).tolist()


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["no", "yes"], "tensor(string)"),
        (np.array(["no", "yes"], object), "tensor(string)"),
        ([False, True], "tensor(bool)"),
        (np.array([3, 4], np.uint8), "tensor(int64)"),
        ([0.0, 1.0], "tensor(int64)"),
    ],
    ids=["text", "object", "bool", "uint8", "float"],
)
def test_labels_keep_what_they_are(labels, kind):
    model = to_onnx(LinearClassifier(**TOLD).fit(X, np.array(labels)[(NUMBERS > 0).astype(int)]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert [(o.name, o.type) for o in session.get_outputs()] == [("label", kind), ("probabilities", "tensor(double)")]
    assert set(session.run(["label"], {"X": X})[0].tolist()) == set(labels)


def test_labels_that_onnx_has_not_are_refused():
    estimator = LinearClassifier(**TOLD).fit(X, NUMBERS > 0)
    estimator.classes_ = np.array(["2020-01-01", "2020-01-02"], "M8[D]")
    with pytest.raises(SettingError, match="ONNX has no labels of datetime64") as caught:
        to_onnx(estimator)
    assert caught.value.code == "ONNX-LABELS"


# float32


def test_a_model_of_float64_can_be_had_in_float32():
    network = clone(CASES["network-three"][0]).fit(X, THREE)
    label, likely = run(to_onnx(network, "float32"), X=X.astype("float32"))
    assert likely.dtype == np.float32
    assert worst(likely, network.predict_proba(X.astype("float32"))) <= 1e-5
    assert (label == network.predict(X)).mean() > 0.999


def test_what_float32_cannot_hold_is_refused():
    line = clone(CASES["regressor"][0]).fit(X, NUMBERS)
    line.theta_[0] = 1e39
    with pytest.raises(SettingError, match="1e\\+39 is more than float32 can hold") as caught:
        to_onnx(line, "float32")
    assert caught.value.code == "ONNX-OVERFLOW"
    assert np.isfinite(run(to_onnx(line), X=X)[0]).all()


def test_large_scores_do_not_overflow():
    three = clone(CASES["three"][0]).fit(X, THREE)
    three.theta_[...] *= 1e6
    two = clone(CASES["two"][0]).fit(X, NUMBERS > 0)
    two.theta_[...] *= 1e6
    for estimator in (two, three):
        for dtype in ("float64", "float32"):
            likely = run(to_onnx(estimator, dtype), X=X.astype(dtype))[1]
            assert np.isfinite(likely).all()
            np.testing.assert_allclose(likely.sum(axis=1), 1, rtol=1e-6)


# What a graph is made of


def test_the_graph_is_plain_and_keeps_no_data_elsewhere():
    model = to_onnx(clone(CASES["network"][0]).fit(X, NUMBERS))
    assert {each.domain for each in model.opset_import} == {""}
    assert {node.domain for node in model.graph.node} == {""}
    assert all(each.data_location == onnx.TensorProto.DEFAULT for each in model.graph.initializer)
    names = [node.op_type for node in model.graph.node]
    assert names == ["MatMul", "Add", "Tanh", "MatMul", "Add", "Max", "MatMul", "Add", "Cast", "Cast"]


# Pipelines


@pytest.fixture(scope="module")
def registered() -> None:
    register()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ["regressor", "two", "three", "hinge-two", "network", "network-three"])
def test_a_pipeline_is_converted(registered, case, dtype):
    fresh, y = CASES[case]
    pipeline = make_pipeline(StandardScaler(), clone(fresh)).fit(X, y)
    rows = X.astype(dtype)
    options = {"zipmap": False} if hasattr(fresh, "class_weight") else None
    model = skl2onnx.to_onnx(pipeline, rows[:1], options=options)
    found = run(model, X=rows)
    wanted = pipeline.predict(rows)
    if not hasattr(fresh, "class_weight"):
        assert worst(found[0][:, 0], wanted) <= 1e-5
        return
    assert (found[0] == wanted).mean() >= (1 if dtype == "float64" else 0.999)
    if hasattr(pipeline, "predict_proba"):
        assert worst(found[1], pipeline.predict_proba(rows)) <= 1e-5


def test_two_of_ours_in_one_graph_do_not_collide(registered):
    from sklearn.ensemble import VotingRegressor

    two = VotingRegressor([("a", clone(CASES["regressor"][0])), ("b", clone(CASES["network"][0]))]).fit(X, NUMBERS)
    found = run(skl2onnx.to_onnx(two, X[:1]), X=X)[0]
    assert worst(found[:, 0], two.predict(X)) <= 1e-5


def test_the_identity_leaves_no_node():
    network = MLPRegressor((4,), activation=activations.identity, **TOLD).fit(X, NUMBERS)
    names = [node.op_type for node in to_onnx(network).graph.node]
    assert names == ["MatMul", "Add", "MatMul", "Add", "Cast", "Cast"]
