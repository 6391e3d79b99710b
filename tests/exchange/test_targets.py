"""The target: which task it asks for, what cannot be learned, and what looks wrong beside it (BF35 to BF38)."""

from __future__ import annotations

import numpy as np
import pytest

from thalweg.errors import DataError, UsageError
from thalweg.exchange.tables import Table
from thalweg.exchange.targets import check_target, infer_task, table_warnings


def text(*cells: str) -> np.ndarray:
    return np.array(cells, object)


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (text("a", "b"), "classification"),
        (np.array([0.0, 1.0]), "classification"),
        (np.array([-1.0, 1.0, 1.0]), "classification"),
        (np.array([3.0, 3.0]), "classification"),
        (np.array([0.5, 1.5]), "regression"),
        (np.array([0.5, 0.5]), "regression"),
        (np.repeat(np.arange(10.0), 5), "classification"),
        (np.repeat(np.arange(10.0), 4), "regression"),
        (np.repeat(np.arange(20.0), 100), "classification"),
        (np.repeat(np.arange(21.0), 100), "regression"),
        (np.repeat(np.arange(10.0) / 2, 50), "regression"),
        (np.array([0.9, 2.1, 2.7, 3.1]), "regression"),
    ],
)
def test_the_task_follows_from_the_target(target, task):
    assert infer_task(target) == task


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_task_that_is_given_is_taken(task):
    assert infer_task(text("a"), task) == task
    assert infer_task(np.array([0.5]), task) == task


def test_an_unknown_task_is_a_usage_error():
    with pytest.raises(UsageError, match="'auto', 'regression' or 'classification', got 'classify'") as caught:
        infer_task(text("a"), "classify")
    assert caught.value.code == "OPTION-TASK"


@pytest.mark.parametrize(
    ("target", "says"),
    [(text(*["spam"] * 500), "column y: 'spam' in all 500 rows"), (np.ones(500), "column y: '1' in all 500 rows")],
    ids=["text", "numbers"],
)
def test_bf35_one_class_is_refused(target, says):
    with pytest.raises(DataError, match=says) as caught:
        check_target(target, "classification")
    assert (caught.value.code, caught.value.exit_status) == ("DATA-ONE-CLASS", 3)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (np.r_[RANDOM.normal(size=498), 0.0, 0.0, 0.0][:500], "499 distinct of 500 values .*\n  Regression?"),
        (np.arange(442.0) // 2, "221 distinct of 442 values"),
        (np.array([0.1, 0.2, 0.3]), "3 distinct of 3 values"),
        (text(*(f"name {k}" for k in range(30))), "30 distinct of 30 values .*\n  Is it an id"),
    ],
    ids=["floats", "whole numbers", "few floats", "names"],
)
def test_bf36_a_target_without_classes_is_refused(target, says):
    with pytest.raises(DataError, match=says) as caught:
        check_target(target, "classification")
    assert (caught.value.code, caught.value.exit_status) == ("DATA-TARGET-TYPE", 3)


def test_bf36_text_for_regression_is_refused():
    with pytest.raises(DataError, match=r"column y: the target is text, such as '\\x1bred'") as caught:
        check_target(text("\x1bred"), "regression", "y", "train.csv")
    assert caught.value.code == "DATA-TARGET-TYPE"


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (np.arange(5.0), "classification"),
        (np.repeat(np.arange(26.0), 10), "classification"),
        (np.array([0.5, 1.5, 0.5]), "classification"),
        (text("a", "b"), "classification"),
        (np.array([1.0, 1.0]), "regression"),
        (RANDOM.normal(size=50), "regression"),
    ],
)
def test_what_can_be_learned_is_let_pass(target, task):
    check_target(target, task)


def test_bf37_a_column_that_never_changes_is_noted():
    table = Table(["a", "b", "c"], [[1.0, 2.0], [7.0, 7.0], ["x", "x"]])
    assert table_warnings(table) == ("DATA-CONSTANT: column b never changes", "DATA-CONSTANT: column c never changes")


def test_bf38_a_column_that_equals_the_target_is_noted():
    table = Table(["a", "b", "c"], [[1.0, 2.0], [1.0, 2.5], ["1", "2"]])
    assert table_warnings(table, np.array([1.0, 2.5])) == ("DATA-LEAK: column b equals y in every row (leak?)",)
    assert table_warnings(table, text("1", "2"), "c2") == ("DATA-LEAK: column c equals c2 in every row (leak?)",)


def test_a_target_of_numbers_that_never_changes_is_noted():
    warnings = table_warnings(Table(["a"], [[1.0, 2.0]]), np.array([0.5, 0.5]), "y\x1b")
    assert warnings == ("DATA-CONSTANT-TARGET: the target y\\x1b never changes",)
