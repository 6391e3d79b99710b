from __future__ import annotations

import math

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.outputs import Outputs, mean_loss
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import DataError, SettingError
from thalweg.formulas.losses import hinge, log, modified_huber, poisson, softmax, squared
from thalweg.formulas.rules import gradient_descent


def test_a_number_goes_there_and_back_in_its_own_units():
    outputs = Outputs.regression(squared, mean=125.0, scale=7.0)
    y = np.array([118.0, 125.0, 139.0])
    assert outputs.encode(y).ravel().tolist() == [-1.0, 0.0, 2.0]
    assert outputs.predict(outputs.encode(y)).tolist() == y.tolist()


def test_a_count_is_the_exponential_of_its_score():
    outputs = Outputs.regression(poisson)
    assert outputs.predict(np.array([[0.0], [math.log(3)]])).tolist() == pytest.approx([1.0, 3.0])


def test_two_classes_have_one_score_and_its_sign_decides():
    outputs = Outputs.classification(log, ["no", "yes"])
    assert outputs.encode(np.array(["yes", "no"], object)).tolist() == [[1.0], [0.0]]
    assert outputs.predict(np.array([[-0.1], [0.1]])).tolist() == ["no", "yes"]
    odds = outputs.probabilities(np.array([[math.log(3)], [-1e4], [1e4]]))
    assert odds.tolist() == [pytest.approx([0.25, 0.75]), [1.0, 0.0], [0.0, 1.0]]


def test_two_classes_under_softmax_have_two_scores():
    outputs = Outputs.classification(softmax, [0.0, 1.0])
    assert outputs.encode(np.array([1.0, 0.0])).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert outputs.probabilities(np.array([[1e4, 1e4]])).tolist() == [[0.5, 0.5]]


def test_more_classes_have_one_score_each():
    outputs = Outputs.classification(log, ["a", "b", "c"])
    assert outputs.encode(np.array(["c"], object)).tolist() == [[0.0, 0.0, 1.0]]
    assert outputs.predict(np.array([[0.1, 0.3, 0.2]])).tolist() == ["b"]
    odds = outputs.probabilities(np.array([[0.0, 0.0, math.log(3)], [-1e4, -1e4, -1e4]]))
    assert odds[0].tolist() == pytest.approx([2 / 7, 2 / 7, 3 / 7])
    assert odds[1].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_margins_of_the_modified_huber_loss_are_probabilities():
    two = Outputs.classification(modified_huber, ["a", "b"])
    assert two.probabilities(np.array([[-2.0], [0.5]])).tolist() == [[1.0, 0.0], [0.25, 0.75]]
    three = Outputs.classification(modified_huber, ["a", "b", "c"])
    odds = three.probabilities(np.array([[0.0, 1.0, -3.0], [-2.0, -2.0, -2.0]]))
    assert odds[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert odds[1].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Outputs.regression(hinge), "hinge is a loss for classes"),
        (lambda: Outputs.classification(squared, ["a", "b"]), "squared is a loss for numbers"),
        (lambda: Outputs.classification(hinge, ["a", "b"]).probabilities(np.zeros((1, 1))), "no probabilities"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(make, words):
    with pytest.raises(SettingError, match=words):
        make()


def test_a_label_that_was_never_seen_is_named():
    with pytest.raises(DataError, match="'c' is not one of the classes a, b"):
        Outputs.classification(log, ["a", "b"]).encode(np.array(["a", "c"], object))
    with pytest.raises(DataError, match="only class"):
        Outputs.classification(log, ["a"])


@pytest.mark.parametrize(("loss", "classes"), [(squared, 0), (log, 3), (softmax, 3)], ids=str)
def test_the_mean_loss_is_the_objective_of_a_run(loss, classes):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    if classes:
        outputs = Outputs.classification(loss, [0.0, 1.0, 2.0])
        targets = outputs.encode(rng.integers(0, 3, 40).astype(float))
    else:
        targets = Outputs.regression(loss).encode(rng.standard_normal(40))
    model = Linear(3, targets.shape[1])
    theta = rng.standard_normal(model.size)
    run = Run(model, Rows.of(X, targets), Settings(gradient_descent, loss, max_iter=1), theta=theta).descend()
    assert mean_loss(loss, targets, model.scores(theta, X)) == pytest.approx(run.loss_curve[0], rel=1e-12)
