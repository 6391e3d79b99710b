"""A stream in the place of X and y: the same weights however it is cut, and answers to one that cannot be used."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

import thalweg
from thalweg import LinearClassifier, LinearRegressor, MLPRegressor
from thalweg.descent.stream import Stream
from thalweg.errors import DataError, DivergedError, SettingError

Array = np.ndarray[Any, Any]
ROWS = 300
RNG = np.random.default_rng(5)
X = RNG.normal(size=(ROWS, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + RNG.normal(size=ROWS)
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, [-1.0, 1.0])]
WEIGHTS = RNG.random(ROWS)
PLAIN = {"learning_rate": 0.01, "max_iter": 3, "tol": None, "random_state": 0, "shuffle": False}


def chunks(cuts: list[int], *arrays: Any) -> Iterator[tuple[Any, ...]]:
    ends = [0, *sorted(cuts), arrays[0].shape[0]]
    for first, stop in itertools.pairwise(ends):
        yield tuple(array[first:stop] for array in arrays)


def streamed(cuts: list[int], *arrays: Any, block: int = 64, **more: Any) -> Stream:
    return thalweg.stream(lambda: chunks(cuts, *arrays), block_size=block, **more)


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(one.theta_, other.theta_)
    np.testing.assert_array_equal(one.state_, other.state_)
    assert one.loss_curve_ == other.loss_curve_
    assert (one.t_, one.n_iter_) == (other.t_, other.n_iter_)


# ---- any cut -------------------------------------------------------------------------------------------------------

CASES = {
    "one sample a step": (LinearRegressor(batch_size=1, **PLAIN), Y),
    "batches that divide no block": (LinearRegressor(batch_size=7, schedule="cosine", **PLAIN), Y),
    "three classes": (LinearClassifier(batch_size=32, penalty="l1", alpha=0.01, **PLAIN), LABELS),
    "balanced, softened": (
        LinearClassifier(batch_size=16, class_weight="balanced", label_smoothing=0.1, **PLAIN),
        LABELS,
    ),
    "accumulated, averaged": (
        LinearRegressor(batch_size=8, accumulate=3, average=True, gradient_norm=True, **PLAIN),
        Y,
    ),
    "network with dropout": (MLPRegressor((5,), dropout=0.3, batch_size=32, **PLAIN), Y),
    "several outputs": (LinearRegressor(batch_size=16, **PLAIN), np.column_stack([Y, -Y])),
    "tol": (
        LinearRegressor(
            batch_size=16, optimizer="adam", learning_rate=0.1, max_iter=99, tol=0.1, n_iter_no_change=2, shuffle=False
        ),
        Y,
    ),
    "batches by the number of rows": (LinearRegressor(**PLAIN), Y),
}


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=8)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=8), block=st.sampled_from([1, 50, 64, ROWS, 1000]))
def test_any_cut_has_the_bits_of_the_fit_in_memory(case: str, cuts: list[int], block: int) -> None:
    estimator, y = CASES[case]
    whole = clone(estimator).fit(X, y)
    given_rows = ROWS if "number of rows" in case else None
    assert_same(clone(estimator).fit(streamed(cuts, X, y, block=block, n_rows=given_rows)), whole)


@pytest.mark.parametrize("classifies", [False, True])
@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=5))
def test_weights_are_measured_against_the_mean_of_the_stream(classifies: bool, cuts: list[int]) -> None:
    estimator = (
        LinearClassifier(batch_size=20, class_weight={"a": 2.0}, **PLAIN)
        if classifies
        else LinearRegressor(batch_size=20, **PLAIN)
    )
    y = LABELS if classifies else Y
    whole = clone(estimator).fit(X, y, WEIGHTS)
    assert_same(clone(estimator).fit(streamed(cuts, X, y, WEIGHTS)), whole)


@pytest.mark.parametrize(
    "estimator", [LinearRegressor(batch_size=9, **PLAIN), MLPRegressor((4,), batch_size=9, **PLAIN)]
)
@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=5))
def test_sparse_chunks_are_cut_as_dense_ones(estimator: Any, cuts: list[int]) -> None:
    sparse = csr_array(np.where(np.abs(X) > 0.7, X, 0.0))
    assert_same(clone(estimator).fit(streamed(cuts, sparse, Y)), clone(estimator).fit(sparse, Y))


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=5))
def test_shuffled_blocks_do_not_depend_on_the_cut(cuts: list[int]) -> None:
    estimator = LinearRegressor(batch_size=8, max_iter=3, tol=None, random_state=3)
    fitted = clone(estimator).fit(streamed(cuts, X, Y))
    assert_same(fitted, clone(estimator).fit(streamed([], X, Y)))
    assert (fitted.theta_ != clone(estimator).set_params(shuffle=False).fit(X, Y).theta_).any()


def test_shuffling_stays_within_blocks_and_differs_between_blocks_and_epochs() -> None:
    seen: list[list[int]] = []
    from thalweg.descent import epochs as module

    piece = module._of_block

    def look(run: Any, block: Any, blocks: Any) -> Any:
        found = piece(run, block, blocks)
        seen.append((block.first + found.order[0]).tolist())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_of_block", look)
        LinearRegressor(batch_size=10, max_iter=2, tol=None, random_state=0).fit(streamed([100], X, Y, block=100))
    assert [sorted(rows) for rows in seen] == [list(range(k, k + 100)) for k in (0, 100, 200)] * 2
    relative = [tuple(np.array(rows) - min(rows)) for rows in seen]
    assert len(set(relative)) == 6


def test_a_stream_of_one_block_is_a_fit_in_memory_shuffled_too() -> None:
    for batch in (None, 16):
        estimator = LinearRegressor(learning_rate=0.01, batch_size=batch, max_iter=20, tol=None, random_state=1)
        assert_same(clone(estimator).fit(streamed([70], X, Y, block=1000)), clone(estimator).fit(X, Y))


def test_float32_stays_float32() -> None:
    estimator = LinearRegressor(batch_size=16, **PLAIN)
    narrow = X.astype(np.float32)
    fitted = clone(estimator).fit(streamed([10, 90], narrow, Y))
    assert fitted.theta_.dtype == np.float32
    np.testing.assert_array_equal(fitted.theta_, clone(estimator).fit(narrow, Y).theta_)


def test_warm_start_goes_on_over_a_stream() -> None:
    whole = LinearRegressor(learning_rate=0.01, batch_size=16, max_iter=4, tol=None, random_state=0).fit(
        streamed([], X, Y)
    )
    halves = LinearRegressor(learning_rate=0.01, batch_size=16, max_iter=2, tol=None, random_state=0, warm_start=True)
    for _ in range(2):
        halves.fit(streamed([33], X, Y))
    np.testing.assert_array_equal(whole.theta_, halves.theta_)


def test_partial_fit_makes_one_pass_over_a_stream() -> None:
    passed = LinearClassifier(batch_size=16, shuffle=False)
    once = clone(passed)
    for chunk in np.split(np.arange(ROWS), 5):
        passed.partial_fit(X[chunk], LABELS[chunk], classes=np.unique(LABELS))
    once.partial_fit(streamed([7], X, LABELS), classes=np.unique(LABELS))
    assert (passed.t_, once.t_) == (5 * 4, 19)  # a last batch of 12 rows in each call, and a single one
    expected = LinearClassifier(batch_size=16, shuffle=False).partial_fit(X, LABELS, classes=np.unique(LABELS))
    np.testing.assert_array_equal(once.theta_, expected.theta_)


def test_validation_rows_of_ones_own() -> None:
    estimator = LinearRegressor(
        learning_rate=0.01, batch_size=16, max_iter=10, early_stopping=True, shuffle=False, random_state=0
    )
    apart = {"X_val": X[200:], "y_val": Y[200:]}
    with pytest.warns(UserWarning, match="max_iter"):
        fitted = clone(estimator).fit(streamed([7], X[:200], Y[:200]), **apart)
    with pytest.warns(UserWarning, match="max_iter"):
        whole = clone(estimator).fit(X[:200], Y[:200], **apart)
    assert fitted.validation_curve_ == whole.validation_curve_
    with pytest.raises(SettingError, match="X_val"):
        clone(estimator).fit(streamed([], X, Y))


def test_a_scaler_of_scikit_learn_composes() -> None:
    rows = streamed([50, 51], 3 + 10 * X, Y)
    scaler = StandardScaler()
    for chunk in rows:
        scaler.partial_fit(chunk.X)
    estimator = LinearRegressor(batch_size=16, **PLAIN)
    fitted = clone(estimator).fit(rows.map(scaler.transform))
    np.testing.assert_array_equal(fitted.theta_, clone(estimator).fit(scaler.transform(3 + 10 * X), Y).theta_)


@pytest.mark.filterwarnings("ignore:learning_rate=1e")
def test_divergence_is_told_as_in_memory() -> None:
    for rate in (5.0, 900.0):
        estimator = MLPRegressor((4,), optimizer="gradient_descent", batch_size=16, **{**PLAIN, "learning_rate": rate})
        told = []
        for arguments in ((X, Y), (streamed([9], X, Y, block=16),), (streamed([9], X, Y, block=48),)):
            fitted = clone(estimator)
            with pytest.raises(DivergedError) as caught:
                fitted.fit(*arguments)
            told.append((caught.value.what, fitted.theta_.tolist(), fitted.t_, fitted.record_.divergence))
        assert told[0] == told[1] == told[2]


def test_names_and_numbers_of_features_are_learned() -> None:
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("pqrs")).assign(y=Y)
    rows = thalweg.stream(lambda: (frame[k : k + 100] for k in range(0, ROWS, 100)), target="y", block_size=64)
    fitted = LinearRegressor(batch_size=16, **PLAIN).fit(rows)
    assert list(fitted.feature_names_in_) == list("pqrs")
    assert fitted.n_features_in_ == 4
    np.testing.assert_array_equal(fitted.theta_, LinearRegressor(batch_size=16, **PLAIN).fit(X, Y).theta_)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=4)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=5))
def test_predictions_of_a_stream_are_those_of_its_rows(dtype: str, cuts: list[int]) -> None:
    rows = X.astype(dtype)
    line = LinearClassifier(batch_size=16, **PLAIN).fit(rows, LABELS)
    network = MLPRegressor((4,), batch_size=16, **PLAIN).fit(rows, Y)
    np.testing.assert_array_equal(line.predict_proba(streamed(cuts, rows, LABELS)), line.predict_proba(rows))
    np.testing.assert_array_equal(line.predict(streamed(cuts, csr_array(rows), Y)), line.predict(csr_array(rows)))
    np.testing.assert_array_equal(network.predict(thalweg.stream(rows)), network.predict(rows))


def test_a_stream_to_predict_has_the_columns_of_the_fit() -> None:
    fitted = LinearRegressor(batch_size=16, **PLAIN).fit(X, Y)
    for bad_rows, words in ((X[:, :2], "2 columns"), (np.where(X > 2, np.nan, X), "row"), (X[:0], "no rows")):
        with pytest.raises(DataError, match=words):
            fitted.predict(streamed([100], bad_rows, Y[: len(bad_rows)]))


# ---- what cannot be used -------------------------------------------------------------------------------------------


def bad(**changes: Any) -> list[tuple[Any, ...]]:
    """Three chunks of 100 rows, of which the second is changed."""
    parts = [[X[k : k + 100].copy(), Y[k : k + 100].copy()] for k in (0, 100, 200)]
    for name, change in changes.items():
        at = {"X": 0, "y": 1}[name]
        parts[1][at] = change(parts[1][at])
    return [tuple(part) for part in parts]


def put(value: float) -> Any:
    def change(array: Array) -> Array:
        array[(7, 2) if array.ndim == 2 else 7] = value
        return array

    return change


BAD: dict[str, tuple[list[Any], str, str]] = {
    "another width": (bad(X=lambda X: X[:, :3]), "DATA-CHUNK", "3 columns, the first had 4"),
    "nan": (bad(X=put(np.nan)), "DATA-FINITE", "row 107, column 2"),
    "infinity": (bad(X=put(np.inf)), "DATA-FINITE", "row 107, column 2"),
    "nan for a target": (bad(y=put(np.nan)), "DATA-FINITE", "row 107"),
    "fewer targets": (bad(y=lambda y: y[1:]), "DATA-CHUNK", "100 rows and 99 targets"),
    "text for numbers": (bad(X=lambda X: X.astype(str)), "DATA-CHUNK", "rows and columns of numbers"),
    "labels for numbers": (bad(y=lambda y: y.astype(str)), "DATA-CHUNK", "labels for targets"),
    "sparse": (bad(X=csr_array), "DATA-CHUNK", "sparse features"),
    "no pair": ([*bad()[:1], 5], "DATA-CHUNK", "is int"),
    "three dimensions": (bad(X=lambda X: X[None]), "DATA-CHUNK", "rows and columns of numbers"),
    "nothing": ([], "DATA-ROWS", "has no rows"),
    "empty chunks": ([(X[:0], Y[:0])], "DATA-ROWS", "has no rows"),
    "two outputs": (bad(y=lambda y: np.column_stack([y, y])), "DATA-CHUNK", "targets of shape"),
    "weights in one chunk": ([*bad()[:1], (*bad()[1], np.ones(100))], "DATA-CHUNK", "weights, the first had none"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_stream_is_answered(case: str) -> None:
    given_chunks, code, words = BAD[case]
    with pytest.raises(DataError, match=words) as caught:
        LinearRegressor(batch_size=16, **PLAIN).fit(thalweg.stream(given_chunks, block_size=64))
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) <= 5


def test_wide_numbers_do_not_enter_a_narrow_stream() -> None:
    rows = [(X[:100].astype(np.float32), Y[:100]), (X[100:], Y[100:])]
    with pytest.raises(DataError, match="features of float64, the first had float32"):
        LinearRegressor(batch_size=16, **PLAIN).fit(thalweg.stream(rows))


def test_large_finite_numbers_are_no_nan() -> None:
    large = X.copy()
    large[150, 1] = 1e300  # its square overflows
    estimator = LinearClassifier("hinge", batch_size=16, optimizer="signsgd", **PLAIN)
    y = np.where(large[:, 1] > 0, 1, 0)
    np.testing.assert_array_equal(
        clone(estimator).fit(streamed([40], large, y)).theta_, clone(estimator).fit(large, y).theta_
    )


def test_a_label_that_was_not_announced_is_named() -> None:
    with pytest.raises(DataError, match="label c") as caught:
        LinearClassifier(batch_size=16, **PLAIN).fit(streamed([], X, LABELS, classes=["a", "b"]))
    assert caught.value.code == "DATA-CLASS"


def test_rows_that_are_gone_in_the_second_pass_are_missed() -> None:
    passes = iter([ROWS, ROWS, 200])
    rows = thalweg.stream(lambda: [(X[:count], Y[:count]) for count in [next(passes)]], block_size=64)
    with pytest.raises(DataError, match="gave 200 rows; it has 300"):
        LinearRegressor(batch_size=16, **PLAIN).fit(rows)


def test_an_iterator_lasts_for_one_epoch() -> None:
    once = LinearRegressor(learning_rate=0.01, batch_size=16, max_iter=1, tol=None, shuffle=False, random_state=0)
    fitted = clone(once).fit(thalweg.stream(chunks([90], X, Y), block_size=64))
    np.testing.assert_array_equal(fitted.theta_, clone(once).fit(X, Y).theta_)
    with pytest.raises(SettingError, match="can be gone through once"):
        LinearRegressor(batch_size=16, **PLAIN).fit(thalweg.stream(chunks([90], X, Y)))
    with pytest.raises(SettingError, match="classes"):
        LinearClassifier(learning_rate=0.01, max_iter=1, tol=None).fit(thalweg.stream(chunks([90], X, LABELS)))
    taken = thalweg.stream(chunks([90], X, Y))
    clone(once).fit(taken)
    with pytest.raises(DataError, match="gone through once"):
        clone(once).fit(taken)


def test_settings_that_a_stream_cannot_serve_are_named() -> None:
    with pytest.raises(SettingError, match="all rows in one update"):
        LinearRegressor(batch_size=None, **PLAIN).fit(streamed([], X, Y))
    with pytest.raises(SettingError, match="targets and weights of its own"):
        LinearRegressor().fit(streamed([], X, Y), Y)
    with pytest.raises(DataError, match="one class"):
        LinearClassifier(**PLAIN).fit(streamed([], X, np.zeros(ROWS)))


def test_an_error_of_the_caller_comes_through() -> None:
    def broken() -> Iterator[tuple[Array, Array]]:
        yield X[:100], Y[:100]
        raise ZeroDivisionError

    for ahead in (False, True):
        rows = thalweg.stream(broken, block_size=64)
        rows.read_ahead = ahead
        with pytest.raises(ZeroDivisionError):
            LinearRegressor(batch_size=16, **PLAIN).fit(rows)


def test_reading_ahead_changes_no_bit_and_leaves_no_thread() -> None:
    rows = streamed([10, 200], X, Y)
    rows.read_ahead = True
    estimator = LinearRegressor(batch_size=16, **PLAIN)
    before = set(threading.enumerate())
    assert_same(clone(estimator).fit(rows), clone(estimator).fit(X, Y))
    assert_all_end(before)


def assert_all_end(before: set[threading.Thread]) -> None:
    """No thread that was not there before goes on; how long the last step of one takes is the machine's affair."""
    for thread in set(threading.enumerate()) - before:
        thread.join(60.0)
        assert not thread.is_alive()


TARGETS_OF_THE_LAST_ROWS = np.where(np.arange(ROWS) < 250, Y, np.nan)


@pytest.mark.parametrize(
    ("arrays", "settings"),
    [
        ((X, TARGETS_OF_THE_LAST_ROWS), {"batch_size": 16}),
        ((X, Y), {"batch_size": 16, "loss": "poisson"}),
        ((X, Y), {"batch_size": 16, "optimizer": "unheard"}),
        ((X, Y), {"batch_size": None}),
        ((X, Y), {"batch_size": 16, "learning_rate": 1e5}),
    ],
    ids=["a row late in the stream", "a row of the first block", "a setting", "a setting of streams", "divergence"],
)
def test_a_fit_that_fails_leaves_no_thread_behind_its_error(arrays: Any, settings: dict[str, Any]) -> None:
    """An error that is kept holds the frames it came through; none of them may hold a reader that goes on."""
    rows = streamed([*range(10, ROWS, 10)], *arrays)
    rows.read_ahead = True
    before = set(threading.enumerate())
    with pytest.raises((DataError, SettingError, DivergedError)) as kept:
        LinearRegressor(**{**PLAIN, **settings}).fit(rows)
    assert_all_end(before)
    assert kept.value.__traceback__ is not None


def test_a_chunk_unlike_the_others_leaves_no_thread_behind_its_error() -> None:
    def unlike() -> Iterator[tuple[Array, Array]]:
        yield from chunks([50, 100], X[:150], Y[:150])
        yield from chunks([*range(10, 150, 10)], X[150:, :3], Y[150:])

    rows = thalweg.stream(unlike, block_size=64)
    rows.read_ahead = True
    before = set(threading.enumerate())
    with pytest.raises(DataError, match="has 3 columns") as kept:
        LinearRegressor(batch_size=16, **PLAIN).fit(rows)
    assert_all_end(before)
    assert kept.value.__traceback__ is not None
