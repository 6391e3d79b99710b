"""Arrays that cannot be used: each is refused by name, in scikit-learn's words where its checks ask for them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, dia_array
from sklearn.exceptions import DataConversionWarning, NotFittedError

from thalweg.errors import DataError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor, reading

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X @ [1.0, -2.0, 0.5]
C = (Y > 0).astype(int)
W = np.ones(20)
TOLD = {"max_iter": 2, "tol": None, "random_state": 0}
KINDS = [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier]
CLASSIFIERS = [LinearClassifier, MLPClassifier]


def target(kind):
    return C if kind in CLASSIFIERS else Y


def spoiled(array, value, at=(4, 1)):
    array = np.array(array, dtype=object if isinstance(value, str) else float)
    array[at[: array.ndim]] = value
    return array


def frame(array, names, text=None):
    made = pd.DataFrame(array, columns=names)
    return made if text is None else made.astype({text: str})


class Bad(NamedTuple):
    """What is passed to fit, and what the answer must say."""

    name: str
    told: dict
    said: str
    error: type = ValueError


GIVEN = [
    Bad("BE01 NaN", {"X": spoiled(X, np.nan)}, "Input X contains NaN"),
    Bad("BE02 infinity", {"X": spoiled(X, np.inf)}, "Input X contains infinity"),
    Bad("BE02 NaN in y", {"y": spoiled(Y, np.nan)}, "(?i)input y contains NaN"),
    Bad("BE02 infinity in y", {"y": spoiled(Y, np.inf)}, "(?i)input y contains infinity"),
    Bad("BE03 one dimension", {"X": X[:, 0]}, "Reshape your data"),
    Bad("BE03 three dimensions", {"X": X.reshape(20, 3, 1)}, "Found array with dim 3"),
    Bad("BE04 no rows", {"X": X[:0], "y": Y[:0]}, r"0 sample\(s\)"),
    Bad("BE04 no columns", {"X": X[:, :0]}, r"0 feature\(s\)"),
    Bad("BE05 lengths", {"y": Y[:19]}, r"inconsistent numbers of samples: \[20, 19\]"),
    Bad("BE07 no target", {"y": None}, "requires y to be passed"),
    Bad("BE08 complex", {"X": X + 1j}, "Complex data not supported"),
    Bad("BE09 strings among numbers", {"X": spoiled(X, "oops")}, "holds the text 'oops' in row 4, column 1", TypeError),
    Bad("BE10 numbers as strings", {"X": X.astype(str)}, "X: holds text, such as .*0.12", TypeError),
    Bad("BE10 a list of strings", {"X": X.astype(str).tolist()}, "X: holds text, such as .*0.12", TypeError),
    Bad("BE10 a column of strings", {"X": frame(X, ["a", "b", "c"], text="b")}, "X: column 'b' holds text", TypeError),
    Bad("BE14 too many weights", {"sample_weight": np.ones(21)}, "(?i)sample_weight.shape == "),
    Bad("BE14 weights in columns", {"sample_weight": np.ones((20, 2))}, "Sample weights must be 1D"),
    Bad("BE15 no weight", {"sample_weight": np.zeros(20)}, "(?i)weights? .*zero"),
    Bad("BE16 weights below zero", {"sample_weight": spoiled(W, -1.0)}, "(?i)negative values in data passed to"),
    Bad("BE17 NaN weights", {"sample_weight": spoiled(W, np.nan)}, "(?i)sample_weight contains NaN"),
    Bad("BE17 infinite weights", {"sample_weight": spoiled(W, np.inf)}, "(?i)sample_weight contains infinity"),
    Bad("BE22 NaN in a sparse table", {"X": csr_array(spoiled(X, np.nan))}, "Input X contains NaN"),
    Bad("BE26 masked cells", {"X": np.ma.masked_less(X, 0)}, "X: has 28 masked cells, the first in row 0, column 1"),
    Bad("BE26 missing cells", {"X": frame(X, ["a", "b", "c"]).astype("Float64").mask(X > 0)}, "Input X contains NaN"),
]


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", GIVEN, ids=lambda bad: bad.name)
def test_arrays_that_cannot_be_used_are_refused(kind, bad):
    told = {"X": X, "y": target(kind)} | bad.told
    model = kind(**TOLD)
    with pytest.raises(bad.error, match=bad.said):
        model.fit(**told)
    assert not hasattr(model, "theta_")
    if set(bad.told) == {"X"} and "0 sample" not in bad.said:
        model.fit(X, target(kind))
        with pytest.raises(bad.error, match=bad.said):
            model.predict(bad.told["X"])


@pytest.mark.parametrize("kind", KINDS)
def test_be06_a_column_is_taken_with_a_warning_where_one_is_asked_for(kind):
    if kind in CLASSIFIERS:
        with pytest.warns(DataConversionWarning, match="column-vector"):
            column = kind(**TOLD).fit(X, C.reshape(-1, 1))
        np.testing.assert_array_equal(column.theta_, kind(**TOLD).fit(X, C).theta_)
    else:
        assert kind(**TOLD).fit(X, Y.reshape(-1, 1)).predict(X).shape == (20, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_be11_and_be13_predictions_ask_for_a_fit_and_its_columns(kind):
    with pytest.raises(NotFittedError):
        kind(**TOLD).predict(X)
    with pytest.raises(ValueError, match=f"X has 2 features, but {kind.__name__} is expecting 3 features"):
        kind(**TOLD).fit(X, target(kind)).predict(X[:, :2])


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_be18_one_class_is_too_few(kind):
    with pytest.raises(DataError, match="holds the one class only; classification needs two or more"):
        kind(**TOLD).fit(X, ["only"] * 20)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_be19_passes_know_all_classes_from_the_first_on(kind):
    with pytest.raises(SettingError, match="classes: must be passed to the first call of partial_fit"):
        kind(**TOLD).partial_fit(X, C)
    model = kind(**TOLD).partial_fit(X, C, classes=[0, 1])
    with pytest.raises(DataError, match="the label 7 in row 3 is not one of the 2 classes"):
        model.partial_fit(X, np.where(np.arange(20) == 3, 7, C))


@pytest.mark.parametrize("kind", KINDS)
def test_be20_passes_keep_their_columns(kind):
    known = {"classes": [0, 1]} if kind in CLASSIFIERS else {}
    model = kind(**TOLD).partial_fit(X, target(kind), **known)
    with pytest.raises(ValueError, match="X has 2 features, but"):
        model.partial_fit(X[:, :2], target(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["COO", "DIA", "unsorted", "duplicates", "64 bits", "explicit zeros"])
def test_be22_sparse_tables_of_any_layout_are_the_same_table(kind, layout):
    table = np.where(np.abs(X) > 0.5, X, 0.0)
    csr = csr_array(table)
    rows = np.repeat(np.arange(20), np.diff(csr.indptr))
    given = {
        "COO": coo_array(table),
        "DIA": dia_array(table),
        "unsorted": csr_array((csr.data[::-1], (rows[::-1], csr.indices[::-1])), shape=csr.shape),
        "duplicates": coo_array(
            (np.tile(csr.data / 2, 2), (np.tile(rows, 2), np.tile(csr.indices, 2))), shape=csr.shape
        ),
        "64 bits": csr_array((csr.data, csr.indices.astype(np.int64), csr.indptr.astype(np.int64)), shape=csr.shape),
        "explicit zeros": csr_array((np.append(csr.data, 0.0), (np.append(rows, 19), np.append(csr.indices, 2)))),
    }[layout]
    if layout == "unsorted":
        given.has_sorted_indices = False
    dense, sparse = kind(**TOLD).fit(table, target(kind)), kind(**TOLD).fit(given, target(kind))
    np.testing.assert_allclose(sparse.theta_, dense.theta_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sparse.predict(given), dense.predict(table), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [csr_array, csc_array])
def test_be23_a_corrupt_sparse_table_never_reaches_a_kernel(kind, layout):
    corrupt = layout(X)
    corrupt.indices[7] = 99
    with pytest.raises(ValueError, match=r"DATA-SPARSE\] X: .*ind"):
        kind(**TOLD).fit(corrupt, target(kind))
    with pytest.raises(ValueError, match=r"X.*ind"):
        kind(**TOLD).fit(X, target(kind)).predict(corrupt)


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
def test_be25_targets_beyond_the_precision_of_the_features_are_refused(kind):
    with pytest.raises(DataError, match="y: holds numbers that float32 cannot"):
        kind(**TOLD).fit(X.astype(np.float32), np.full(20, 1e300))


LIMITS = [np.bool_, np.int8, np.int16, np.int64, np.uint8, np.uint64]


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("dtype", LIMITS)
def test_be27_labels_at_the_limits_of_their_type_come_back(kind, dtype):
    ends = np.array([False, True]) if dtype is np.bool_ else np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
    model = kind(**TOLD).fit(X, ends[C])
    np.testing.assert_array_equal(model.classes_, ends)
    assert model.predict(X).dtype == dtype
    assert set(model.predict(X)) <= set(ends)


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
def test_be28_one_row_validates_nothing(kind):
    with pytest.raises(DataError, match="The validation set is too small: 1 row of 5"):
        kind(early_stopping=True).fit(X[:5], Y[:5])
    with pytest.raises(DataError, match="of 20 rows: The least populated class"):
        LinearClassifier(early_stopping=True, validation_fraction=0.3).fit(X, np.arange(20) == 3)


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
def test_be29_a_target_out_of_the_table_itself_stays_as_it_is(kind):
    table = X.copy()
    before = table.copy()
    model = kind(**TOLD).fit(table, table[:, 0])
    np.testing.assert_array_equal(table, before)
    np.testing.assert_array_equal(model.theta_, kind(**TOLD).fit(table, before[:, 0].copy()).theta_)


@pytest.mark.parametrize("kind", KINDS)
def test_be30_an_array_that_memory_does_not_hold_is_answered_with_its_size_and_the_way(kind, tmp_path, monkeypatch):
    path = tmp_path / "rows"
    path.write_bytes(bytes(20 * 3))
    few = np.memmap(path, np.int8, mode="r", shape=(20, 3))
    monkeypatch.setattr(reading, "free_memory", lambda: 20 * 3 * 8 - 1)
    with pytest.raises(MemoryError, match=r"needs 4\.47e-07 GiB as floats in rows, .* are free") as caught:
        kind().fit(few, np.arange(20) % 2)
    assert (caught.value.code, caught.value.exit_status) == ("DATA-TOO-LARGE", 8)
    assert "thalweg.stream" in str(caught.value)
    monkeypatch.setattr(reading, "free_memory", lambda: 0)
    reading.check_numbers(np.ones((20, 3)))  # is where it is
