"""Estimators in files: they come back, and learn on, with the same bits; what is hostile does not come back."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import thalweg as tw
from thalweg.errors import ModelFileError, SettingError, StorageError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.exchange import tensors
from thalweg.formulas import losses, penalties
from thalweg.formulas.formula import activation, loss

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((60, 3))
NUMBERS = X @ [1.0, -2.0, 0.5] + 0.1
CLASSES = np.array(["=a", "b", "çà"])[np.digitize(NUMBERS, [-1, 1])]
TWO = NUMBERS > 0
# Few settings, used again and again: what they compile, they compile once.
TOLD: dict[str, Any] = {"batch_size": 20, "max_iter": 3, "tol": None, "random_state": 0}
KINDS: dict[str, tuple[Any, Any]] = {
    "regressor": (LinearRegressor(**TOLD), NUMBERS),
    "two-outputs": (LinearRegressor(**TOLD), np.column_stack([NUMBERS, -NUMBERS])),
    "no-intercept": (LinearRegressor(fit_intercept=False, penalty=penalties.l2, alpha=0.1, **TOLD), NUMBERS),
    "two-classes": (LinearClassifier(class_weight={True: 2.0, False: 1.0}, **TOLD), TWO),
    "three-classes": (LinearClassifier(schedule="cosine", **TOLD), CLASSES),
    "several-labels": (LinearClassifier(**TOLD), np.column_stack([TWO, NUMBERS < 1]).astype(np.int8)),
    "averaged": (LinearRegressor(average=True, accumulate=2, gradient_norm=True, **TOLD), NUMBERS),
    "smoothed": (MLPClassifier((5,), average=0.9, label_smoothing=0.1, learning_rate="auto", **TOLD), CLASSES),
    "network": (MLPRegressor((5, 4), activation=["tanh", "relu"], dropout=(0.2, 0.0), **TOLD), NUMBERS),
    "network-classes": (MLPClassifier((5,), optimizer=tw.adam(learning_rate=0.01), **TOLD), CLASSES),
}


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path / "model.thalweg"


def again(estimator: Any, place: Path) -> Any:
    tw.save(estimator, place)
    return tw.load(place)


def bits(estimator: Any) -> tuple[Any, ...]:
    """All that a fit leaves, comparable."""
    arrays = [estimator.theta_, estimator.state_]
    curves = (estimator.loss_curve_, estimator.validation_curve_)
    return *((a.tobytes(), a.dtype, a.shape) for a in arrays), estimator.t_, estimator._epochs, curves


# They come back


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_estimator_comes_back_to_the_last_bit(place, kind, dtype):
    """M3."""
    fresh, y = KINDS[kind]
    rows = X.astype(dtype)
    before = clone(fresh).fit(rows, y)
    after = again(before, place)
    assert type(after) is type(before)
    assert after.get_params() == before.get_params()
    assert bits(after) == bits(before)
    assert after.record_ == before.record_
    assert set(vars(after)) == set(vars(before))
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(before, method):
            ours, theirs = getattr(after, method)(rows), getattr(before, method)(rows)
            assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_on_as_if_it_had_never_left(place, kind):
    """C5 of the specification: partial_fit and warm starts, to the last bit."""
    fresh, y = KINDS[kind]
    stayed = clone(fresh).set_params(warm_start=True).fit(X, y)
    left = again(stayed, place)
    assert bits(left.fit(X, y)) == bits(stayed.fit(X, y))
    left = again(stayed, place)
    assert bits(left.partial_fit(X, y)) == bits(stayed.partial_fit(X, y))
    assert bits(again(left, place).partial_fit(X, y)) == bits(stayed.partial_fit(X, y))


def test_randomness_from_nowhere_goes_on_too(place):
    """random_state=None draws its seed once; orders and masks after the file are those that would have come."""
    stayed = MLPRegressor((5,), dropout=0.2, warm_start=True, **{**TOLD, "random_state": None}).fit(X, NUMBERS)
    left = again(stayed, place)
    assert bits(left.fit(X, NUMBERS)) == bits(stayed.fit(X, NUMBERS))


@pytest.mark.parametrize(
    "source",
    [np.random.default_rng(5), np.random.RandomState(5), np.random.SeedSequence(5, spawn_key=(1, 2)), 7],
    ids=["Generator", "RandomState", "SeedSequence", "int"],
)
def test_the_source_of_randomness_comes_back_where_it_stood(place, source):
    before = LinearRegressor(**{**TOLD, "random_state": copy.deepcopy(source)}).fit(X, NUMBERS)
    after = again(before, place)
    assert bits(after.fit(X, NUMBERS)) == bits(before.fit(X, NUMBERS))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype="<U7"),
        np.array(["no", "yes"], dtype=object),
        np.array([0, 1]),
        np.array([-1, 1], dtype=np.int8),
        np.array([3, 4], dtype=np.uint64),
        np.array([0.0, 1.0]),
        np.array([0.0, 1.0], dtype=np.float32),
        np.array([0.0, 1.0], dtype=np.float16),
        np.array([False, True]),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_classes_keep_their_type(place, labels):
    before = LinearClassifier(**TOLD).fit(X, labels[TWO.astype(int)])
    after = again(before, place)
    assert (after.classes_.dtype, after.classes_.tolist()) == (before.classes_.dtype, before.classes_.tolist())
    assert after.predict(X).dtype == before.predict(X).dtype


def test_names_of_features_come_back_and_are_checked(place):
    frame = pd.DataFrame(X, columns=["a", "b", "größe"])
    after = again(LinearRegressor(**TOLD).fit(frame, NUMBERS), place)
    assert after.feature_names_in_.tolist() == ["a", "b", "größe"]
    with pytest.raises(ValueError, match="feature names"):
        after.predict(frame.rename(columns={"a": "c"}))


def test_what_a_pipeline_is_asked_for_comes_back(place):
    with config_context(enable_metadata_routing=True):
        before = LinearRegressor(**TOLD).set_fit_request(sample_weight=True).fit(X, NUMBERS)
        after = again(before, place)
        others = dict.fromkeys(("X_val", "sample_weight_val", "y_val"))
        assert after.get_metadata_routing().fit.requests == {"sample_weight": True, **others}
        plain = again(LinearRegressor(**TOLD).fit(X, NUMBERS), place)
        assert plain.get_metadata_routing().fit.requests == {"sample_weight": None, **others}


def test_the_same_estimator_gives_the_same_bytes(place):
    estimator = clone(KINDS["network"][0]).fit(X, NUMBERS)
    tw.save(estimator, place)
    tw.save(tw.load(place), place.with_name("again"))
    assert place.read_bytes() == place.with_name("again").read_bytes()


def test_other_readers_see_the_layers(place):
    from safetensors.numpy import load_file

    estimator = clone(KINDS["network"][0]).fit(X, NUMBERS)
    tw.save(estimator, place)
    seen = load_file(place)
    assert seen["weights.1"].tolist() == estimator.coefs_[1].tolist()
    assert seen["state_"].tolist() == estimator.state_.tolist()


# Formulas of the user's own


@loss
def mine(y, z, *, width=1.0):
    r = (z - y) / width
    return r * r / 2, r / width


def other(y, z, *, width=1.0):
    r = (z - y) / width
    return r * r, 2 * r / width


@activation
def bent(z):
    a = np.maximum(z, 0) + 0.1 * z
    return a, np.sign(np.maximum(z, 0)) + 0.1


def test_a_formula_of_ones_own_has_to_be_brought(place):
    before = MLPRegressor((4,), loss=mine(width=2.0), activation=bent, **TOLD).fit(X, NUMBERS)
    tw.save(before, place)
    with pytest.raises(
        ModelFileError, match=r"a model file holds no code\n  Bring it: thalweg.load.path, formulas=.be"
    ):
        tw.load(place)
    after = tw.load(place, formulas=[mine, bent])
    assert after.loss == mine(width=2.0)
    assert bits(after.partial_fit(X, NUMBERS)) == bits(before.partial_fit(X, NUMBERS))


def test_another_formula_of_that_name_is_refused(place):
    tw.save(LinearRegressor(loss=mine, **TOLD).fit(X, NUMBERS), place)
    other.__name__ = "mine"
    impostor = loss("def mine(y, z, *, width=1.0):\n    r = (z - y) / width\n    return r * r, 2 * r / width\n")
    with pytest.raises(ModelFileError, match="is not the one that the model was trained with") as caught:
        tw.load(place, formulas=[impostor])
    assert caught.value.code == "MODEL-FORMULA"


def test_a_formula_of_ones_own_under_the_name_of_ours_is_not_taken_for_it(place):
    huber = loss("def huber(y, z):\n    r = z - y\n    return r * r / 2, r\n")
    tw.save(LinearRegressor(loss=huber, **TOLD).fit(X, NUMBERS), place)
    with pytest.raises(ModelFileError, match="the loss huber: is not of this library"):
        tw.load(place)
    tw.save(LinearRegressor(loss=losses.huber(delta=2.0), **TOLD).fit(X, NUMBERS), place)
    assert tw.load(place).loss == losses.huber(delta=2.0)


# What cannot be saved


def test_callbacks_are_left_out_with_a_warning(place):
    estimator = LinearRegressor(callbacks=lambda run: False, **TOLD).fit(X, NUMBERS)
    with pytest.warns(UserWarning, match="callbacks are code and are left out of the file"):
        tw.save(estimator, place)
    assert tw.load(place).callbacks is None


def test_what_no_file_can_hold_is_refused_by_name(place):
    with pytest.raises(SettingError, match="holds an estimator of thalweg, got Pipeline"):
        tw.save(make_pipeline(StandardScaler(), LinearRegressor()), place)
    estimator = LinearRegressor(**TOLD).fit(X, NUMBERS).set_params(verbose=open)
    with pytest.raises(SettingError, match="verbose: is a builtin_function_or_method"):
        tw.save(estimator, place)
    estimator.set_params(verbose=0, scoring=lambda model, X, y: 0.0)
    with pytest.raises(SettingError, match=r"scoring: is a function; .*\n  Set it to None or to a name before saving"):
        tw.save(estimator, place)
    estimator.set_params(scoring=None).theta_[0] = np.nan
    with pytest.raises(SettingError, match=r"weights\.0 holds numbers that are not finite"):
        tw.save(estimator, place)
    with pytest.raises(ValueError, match="not fitted"):
        tw.save(LinearRegressor(), place)
    assert not place.exists()
    with pytest.raises(StorageError, match="there is no such folder"):
        tw.save(clone(estimator).fit(X, NUMBERS), place / "in" / "nowhere")


def test_the_command_line_needs_a_model_of_a_table(place):
    from thalweg.exchange.models import load

    tw.save(LinearRegressor(**TOLD).fit(X, NUMBERS), place)
    with pytest.raises(ModelFileError, match="holds an estimator; a model of a table") as caught:
        load(place)
    assert caught.value.code == "MODEL-KIND"


# What is damaged or made up does not come back


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("good") / "model"
    tw.save(MLPClassifier((5,), **{**TOLD, "random_state": np.random.RandomState(1)}).fit(X, CLASSES), place)
    return place


def refused(place: Path) -> bool:
    try:
        tw.load(place)
    except ModelFileError:
        return True
    return False


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.deep)])
def test_every_damage_is_found(good, tmp_path, count):
    """C5 of the research: cuts at every 64 bytes and random flips, all refused."""
    content, bad = good.read_bytes(), tmp_path / "bad"
    missed = []
    for end in range(0, len(content), 64):
        bad.write_bytes(content[:end])
        missed += [] if refused(bad) else [end]
    for position in DRAW.integers(len(content) * 8, size=count).tolist():
        byte, bit = divmod(position, 8)
        bad.write_bytes(content[:byte] + bytes([content[byte] ^ (1 << bit)]) + content[byte + 1 :])
        missed += [] if refused(bad) else [position]
    assert missed == []


def put(*path: Any, value: Any) -> Any:
    def change(description, arrays):
        place = description
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def put_array(name: str, value: Any) -> Any:
    def change(description, arrays):
        arrays[name] = value

    return change


def lose(*path: str) -> Any:
    def change(description, arrays):
        place = description
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


LEGACY = {"dict": [["bit_generator", "MT19937"], ["state", {"dict": [["key", [1] * 624], ["pos", 625]]}]]}
PHILOX = {
    "dict": [
        ["bit_generator", "Philox"],
        ["state", {"dict": [["counter", [0] * 4], ["key", [0] * 2]]}],
        ["buffer", [0] * 4],
        ["buffer_pos", -100],
    ]
}
MADE_UP = {
    "no-class": put("class", value="Pipeline"),
    "base-class": put("class", value="DescentEstimator"),
    "list-class": put("class", value=["MLPClassifier"]),
    "parameter": put("parameters", "shell", value="rm"),
    "parameter-kind": put("parameters", "loss", value={"code": "import os"}),
    "private-class": put("fitted", "__class__", value=3),
    "method": put("fitted", "predict", value=3),
    "property": put("fitted", "coefs_", value=3),
    "parameter-again": put("fitted", "loss", value=3),
    "no-name": put("fitted", "a b", value=3),
    "no-state": lose("fitted", "state_"),
    "no-rule": lose("fitted", "_rule"),
    "no-root": lose("fitted", "_root"),
    "no-classes": lose("fitted", "classes_"),
    "no-record": lose("record"),
    "state-shape": put_array("state_", np.zeros((2, 3))),
    "state-type": put_array("state_", np.zeros((2, 38), np.float32)),
    "state-lost": put("fitted", "state_", value={"tensor": "gone"}),
    "t": put("fitted", "t_", value=-1.0),
    "t-text": put("fitted", "t_", value="1"),
    "epochs": put("fitted", "_epochs", value=-1),
    "features": put("fitted", "n_features_in_", value=4),
    "features-true": put("fitted", "n_features_in_", value=True),
    "names": put("fitted", "feature_names_in_", value={"array": "<U1", "shape": [2], "values": ["a", "b"]}),
    "fewer-classes": put("fitted", "classes_", value={"array": "<U1", "shape": [2], "values": ["a", "b"]}),
    "array-shape": put("fitted", "classes_", value={"array": "<U1", "shape": [4], "values": ["a", "b", "c"]}),
    "array-type": put("fitted", "classes_", value={"array": "<c16", "shape": [3], "values": [1, 2, 3]}),
    "array-code": put("fitted", "classes_", value={"array": "O,O", "shape": [3], "values": [1, 2, 3]}),
    "array-huge": put("fitted", "classes_", value={"array": "<U999999", "shape": [300], "values": ["a"] * 300}),
    "array-mixed": put("fitted", "classes_", value={"array": "<i8", "shape": [3], "values": [1, 2, 2.5]}),
    "array-overflow": put("fitted", "classes_", value={"array": "|i1", "shape": [3], "values": [1, 2, 300]}),
    "rule-unknown": put("fitted", "_rule", value={"formula": "rule", "name": "os.system", "numbers": {}}),
    "rule-kind": put("fitted", "_rule", value={"formula": "surface", "name": "beale", "numbers": {}}),
    "rule-is-loss": put("fitted", "_rule", value={"formula": "loss", "name": "squared", "numbers": {}}),
    "rule-numbers": put("fitted", "_rule", "numbers", "beta1", value=2.0),
    "rule-more": put("fitted", "_rule", "numbers", "beta9", value=0.5),
    "seeds": put("fitted", "_root", value={"seeds": [["entropy", -1], ["spawn_key", []], ["pool_size", 4]]}),
    "pool": put("fitted", "_root", value={"seeds": [["entropy", 1], ["spawn_key", []], ["pool_size", 1 << 40]]}),
    "twister": put("parameters", "random_state", value={"generator": "RandomState", "state": LEGACY}),
    "philox": put("parameters", "random_state", value={"generator": "Generator", "state": PHILOX}),
    "bits": put(
        "parameters", "random_state", value={"generator": "Generator", "state": {"dict": [["bit_generator", "x"]]}}
    ),
    "float": put("fitted", "t_", value={"float": "1e5"}),
    "deep": put("fitted", "best_epoch_", value=[[[[[[[[[{"dict": [[[], 1]]}]]]]]]]]]),
    "sizes": put("model", "layer_sizes", value=[3, 6, 3]),
    "activation": put("model", "activations", value=[{"formula": "rule", "name": "adam", "numbers": {}}]),
    "request": put("requests", value={"__init__": {"sample_weight": True}}),
    "more-layers": put_array("weights.7", np.ones((3, 3))),
    "kind": put("kind", value="code"),
    "cursor": put("cursor", "rows", value=17),
    "cursor-epochs": put("cursor", "epochs", value=2),
}


@pytest.mark.parametrize("change", MADE_UP.values(), ids=MADE_UP.keys())
def test_a_file_that_says_what_cannot_be_is_refused(good, tmp_path, change):
    description, arrays = tensors.read(good)
    change(description, arrays)
    tensors.write(tmp_path / "bad", description, arrays)
    with pytest.raises(ModelFileError) as caught:
        tw.load(tmp_path / "bad")
    assert caught.value.code in {"MODEL-META", "MODEL-SHAPE"}
    assert len(str(caught.value).splitlines()) <= 5


def test_the_unchanged_description_is_accepted(good, tmp_path):
    tensors.write(tmp_path / "copy", *tensors.read(good))
    assert bits(tw.load(tmp_path / "copy")) == bits(tw.load(good))


# Other ways to keep an estimator, which are not ours


def pickled(estimator: Any) -> Any:
    return pickle.loads(pickle.dumps(estimator))  # noqa: S301 - its own


def joblibbed(estimator: Any) -> Any:
    content = io.BytesIO()
    joblib.dump(estimator, content)
    content.seek(0)
    return joblib.load(content)


def skopped(estimator: Any) -> Any:
    content = skops.io.dumps(estimator)
    return skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))


@pytest.mark.parametrize("way", [pickled, joblibbed, skopped], ids=["pickle", "joblib", "skops"])
@pytest.mark.parametrize("kind", KINDS)
def test_pickle_joblib_and_skops_work(kind, way):
    fresh, y = KINDS[kind]
    before = clone(fresh).set_params(warm_start=True)
    if way is skopped and kind == "two-classes":
        before.set_params(class_weight="balanced")  # of the keys True and False skops makes True and True
    before.fit(X, y)
    after = way(before)
    assert bits(after) == bits(before)
    assert bits(after.fit(X, y)) == bits(before.fit(X, y))


# What earlier versions wrote


def test_an_estimator_that_was_written_in_format_2_opens():
    written = Path(__file__).parents[1] / "exchange" / "written" / "estimator-2.thalweg"
    estimator, rows = tw.load(written), np.arange(12.0).reshape(6, 2)
    said = [0.7227634209342227, 0.7498852019122114, 0.7522677820350209, 0.7562514627694292]
    np.testing.assert_allclose(estimator.predict_proba(rows)[:4, 0], said, rtol=1e-12)
    labels = np.array(["no", "no", "yes", "yes", "no", "yes"])
    after = [0.7196121020548878, 0.7438426397774033, 0.7452147224544123, 0.7479991694889432]
    np.testing.assert_allclose(estimator.fit(rows, labels).predict_proba(rows)[:4, 0], after, rtol=1e-12)
