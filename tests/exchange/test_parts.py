from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import DataError, SettingError
from thalweg.exchange.parts import split


def draw(target, seed=0, **options):
    classes = options.pop("classes", False)
    return split(np.asarray(target), classes=classes, generator=np.random.default_rng(seed), **options)


@given(st.integers(5, 300), st.floats(0.05, 0.45), st.floats(0.05, 0.45), st.integers(0, 5))
def test_every_row_is_in_one_part(rows, validation, test, seed):
    judged = round(validation * rows), round(test * rows)
    if min(judged) < 1 or rows - sum(judged) < 2:
        return
    parts = draw(np.zeros(rows), seed, validation=validation, test=test)
    assert sorted(np.concatenate(parts[:3]).tolist()) == list(range(rows))
    assert (len(parts.validation), len(parts.test)) == (round(validation * rows), round(test * rows))
    assert all((np.diff(part) > 0).all() for part in parts[:3])


def test_the_draw_is_random_and_repeats_with_its_seed():
    first, again, other = draw(np.zeros(100), 1), draw(np.zeros(100), 1), draw(np.zeros(100), 2)
    assert first.test.tolist() == again.test.tolist() != other.test.tolist()
    assert first.test.tolist() != list(range(80, 100))


def test_each_class_has_its_share_in_every_part():
    labels = np.repeat([0.0, 1.0, 2.0], [50, 30, 20])
    parts = draw(labels, classes=True)
    counts = [np.bincount(labels[part].astype(int)).tolist() for part in parts[:3]]
    assert counts == [[30, 18, 12], [10, 6, 4], [10, 6, 4]]
    assert parts.warnings == ()


@pytest.mark.parametrize(
    "labels", [[0] * 20 + [1] * 2, [0, 1, 2] * 4, [0] * 20 + [1] * 3], ids=["rare", "small", "three"]
)
def test_classes_too_rare_for_every_part_are_drawn_all_the_same(labels):
    parts = draw(np.array(labels, float), 3, classes=True)
    assert sorted(np.concatenate(parts[:3]).tolist()) == list(range(len(labels)))
    said = ("too few rows to have each of", "scores of so few are mostly chance")
    assert parts.warnings
    assert all(any(words in warning for words in said) for warning in parts.warnings)


@pytest.mark.parametrize(
    ("rows", "options", "warnings"),
    [
        (50, {}, ()),
        (49, {"test": 0.3}, ()),
        (40, {}, ("DATA-FEW-ROWS: only 8 rows in the test part: scores of so few are mostly chance",)),
        (4, {}, ("DATA-FEW-ROWS: only 1 row in the test part: scores of so few are mostly chance",)),
        (
            40,
            {"validation": 0.45, "test": 0.45},
            ("DATA-FEW-ROWS: only 4 rows in the training part: scores of so few are mostly chance",),
        ),
    ],
)
def test_a_part_too_small_to_say_much_is_warned_of(rows, options, warnings):
    assert draw(np.arange(float(rows)), **options).warnings == warnings


def test_one_row_to_learn_from_is_refused():
    with pytest.raises(DataError, match="3 rows leave 1 to learn from"):
        draw(np.arange(3.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 0.0}, "validation_fraction: must be in"),
        ({"validation": 1.0}, "validation_fraction: must be in"),
        ({"validation": float("nan")}, "validation_fraction: must be finite"),
        ({"test": -0.1}, "test_fraction: must be in"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing to learn from"),
    ],
    ids=str,
)
def test_shares_out_of_range_are_refused(options, words):
    with pytest.raises(SettingError, match=words):
        draw(np.zeros(100), **options)


@pytest.mark.parametrize(
    ("rows", "options", "part"),
    [(2, {}, "test"), (3, {"test": 0.5}, "training"), (20, {"validation": 0.01}, "validation")],
)
def test_an_empty_part_is_refused(rows, options, part):
    if part == "training":
        options = {"test": 0.5, "validation": 0.49}
    with pytest.raises(DataError, match=f"{rows} rows leave none for the {part} part"):
        draw(np.zeros(rows), **options)


def test_one_class_alone_cannot_be_learned():
    labels = np.array([0.0] * 3 + [1.0])
    seed = next(seed for seed in range(100) if not draw(np.arange(4.0), seed).train.tolist().count(3))
    with pytest.raises(DataError, match="only one class among the 2 rows"):
        draw(labels, seed, classes=True)
