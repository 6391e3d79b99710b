from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.record import machine_information
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.errors import SettingError
from thalweg.formulas.activations import tanh
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam, gradient_descent
from thalweg.formulas.schedules import cosine


@pytest.fixture
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(50, 3))
    return Rows.of(X, X @ [1.0, -2.0, 0.5] + generator.normal(size=50))


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize(
    "model", [Linear(3), Network((3, 5, 1), (tanh,), dropout=(0.3,))], ids=["linear", "network with dropout"]
)
def test_a_run_continued_is_the_run_that_never_stopped(rows, model, batch_size):
    told = Settings(
        optimizer=adam(learning_rate=0.05), loss=squared, schedule=cosine, batch_size=batch_size, max_iter=9
    )
    whole = Run(model, rows, told, random_state=3).descend()
    first = Run(model, rows, told, random_state=3)
    first.advance(4)
    second = Run(
        model, rows, told, theta=first.theta, state=first.state, t=first.t, epoch=first.epoch, random_state=3
    ).descend()
    np.testing.assert_array_equal(second.theta, whole.theta)
    np.testing.assert_array_equal(second.state, whole.state)
    assert (second.t, second.epoch) == (whole.t, whole.epoch)
    assert first.loss_curve + second.loss_curve == whole.loss_curve


def test_a_continued_run_waits_for_its_tol_anew(rows):
    told = Settings(optimizer=adam(learning_rate=0.05), loss=squared, tol=1e9, n_iter_no_change=5, max_iter=50)
    whole = Run(Linear(3), rows, told, random_state=3).descend()
    first = Run(Linear(3), rows, told, random_state=3).descend([lambda run: run.epoch == 3])
    second = Run(
        Linear(3), rows, told, theta=first.theta, state=first.state, t=first.t, epoch=first.epoch, random_state=3
    ).descend()
    assert (whole.status, second.status) == ("converged", "converged")
    assert second.epoch == whole.epoch + 3


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize("rate", [2.5, 30.0, 1e3, 1e200])
def test_a_divergence_is_the_same_whether_the_run_was_watched_or_not(rows, rate, batch_size):
    told = Settings(optimizer=gradient_descent(learning_rate=rate), loss=squared, batch_size=batch_size, max_iter=300)
    ends = [
        Run(Linear(3), rows, told, random_state=0, keep_steps=True).descend(watch)
        for watch in ([], [lambda run: False])
    ]
    watched, unwatched = ends
    assert watched.status == unwatched.status == "diverged"
    assert watched.divergence == unwatched.divergence
    assert watched.loss_curve == unwatched.loss_curve
    assert watched.step_losses == unwatched.step_losses
    assert (watched.t, watched.epoch) == (unwatched.t, unwatched.epoch)
    np.testing.assert_array_equal(watched.theta, unwatched.theta)
    assert np.isfinite(watched.theta).all()


@pytest.mark.parametrize("rate", [2.5, 1e200])
def test_a_divergence_counts_the_epochs_and_updates_before_a_continued_run(rows, rate):
    told = Settings(optimizer=gradient_descent(learning_rate=rate), loss=squared, max_iter=300)
    fresh = Run(Linear(3), rows, told).descend()
    later = Run(Linear(3), rows, told, t=12.0, epoch=12).descend()
    assert (later.divergence.epoch, later.divergence.step) == (fresh.divergence.epoch + 12, fresh.divergence.step + 12)
    assert later.divergence.quantity == fresh.divergence.quantity


@pytest.mark.parametrize("bad", [-1, 1.5, "x", [1]])
def test_a_seed_that_is_none_is_refused(rows, bad):
    with pytest.raises(SettingError, match=r"SETTING-SEED\] random_state: must be None, an int >= 0"):
        Run(Linear(3), rows, Settings(optimizer=adam, loss=squared), random_state=bad)


def test_a_seed_may_be_as_large_as_one_likes(rows):
    told = Settings(optimizer=adam, loss=squared, batch_size=10, max_iter=2)
    curves = [
        Run(Linear(3), rows, told, random_state=seed).descend().loss_curve for seed in (2**200, 2**200, 2**200 + 1)
    ]
    assert curves[0] == curves[1] != curves[2]


def test_changing_one_account_of_the_machine_leaves_the_next_alone():
    machine_information()["numpy"] = "changed"
    assert machine_information()["numpy"] == np.__version__
