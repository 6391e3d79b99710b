"""What stops a run, when, and what does not change because of it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.formulas import activations, losses, rules, schedules
from thalweg.formulas.formula import rule

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + RNG.normal(size=60)
ROWS = Rows.of(X, Y)


def descend(callbacks: Any = (), **given: Any) -> Run:
    told = Settings(**{"optimizer": rules.adam(learning_rate=0.05), "loss": losses.squared, "batch_size": 7, **given})
    return Run(Linear(4), ROWS, told, random_state=1).descend(callbacks)


@rule
def along(theta, g, t, *, learning_rate=1.0):
    return theta + learning_rate + 0 * g


def scripted(curve: list[float], **given: Any) -> Run:
    """Descend with these losses, epoch by epoch: the absolute value of the one weight, set after every epoch."""
    told = Settings(**{"optimizer": along, "loss": losses.absolute, "max_iter": len(curve), **given})
    rows = Rows.of(np.ones((1, 1)), np.zeros(1))
    following = iter([*curve[1:], 0.0])

    def script(run: Run) -> None:
        run.theta[0] = next(following)

    run = Run(Linear(1, fit_intercept=False), rows, told, theta=[curve[0]]).descend([script])
    assert run.loss_curve == curve[: run.epoch]
    return run


def test_all_epochs_are_made_when_nothing_stops_them() -> None:
    run = descend(max_iter=11)
    assert (run.status, run.epoch, run.t, len(run.loss_curve)) == ("finished", 11, 11 * 9, 11)
    run.descend()
    assert run.epoch == 11


@pytest.mark.parametrize(
    ("curve", "tol", "patience", "stops"),
    [
        ([5, 4, 3, 3, 3, 3, 3], 0.0, 2, 5),
        ([5, 4, 3, 3, 3, 2, 2, 2, 2], 0.0, 3, 9),
        ([5, 4, 3, 3.5, 4, 2.5, 9, 9], 0.0, 2, 5),
        ([5, 4.5, 4, 3.5, 3, 2.5], 1.0, 1, 2),
        ([5, 4.5, 4.2, 3.9, 3.6, 3.3], 1.0, 2, 3),
        ([5, 4.6, 4.2, 3.8, 3.4, 3.0], 1.0, 3, 4),
        ([5, 4, 3, 2, 1, 0.5], 0.0, 1, None),
        ([1, 1], 0.0, 1, 2),
        ([3, 1, 2, 1, 2, 1, 2], 0.0, 4, 6),
    ],
)
def test_tol_and_patience(curve: list[float], tol: float, patience: int, stops: int | None) -> None:
    run = scripted([float(v) for v in curve], tol=tol, n_iter_no_change=patience)
    assert (run.status, run.epoch) == (("converged", stops) if stops else ("finished", len(curve)))


def test_without_tol_nothing_is_waited_for() -> None:
    assert scripted([1.0] * 30, n_iter_no_change=1).status == "finished"


def test_target_loss() -> None:
    run = scripted([5.0, 4.0, 3.0, 2.0, 1.0], target_loss=3.0)
    assert (run.status, run.epoch) == ("target", 3)
    assert scripted([5.0, 4.0], target_loss=1.0).status == "finished"


def test_target_goes_before_tol() -> None:
    assert scripted([3.0, 3.0], target_loss=3.0, tol=0.0, n_iter_no_change=1).status == "target"


def test_time_limit_lets_the_epoch_end() -> None:
    run = descend([lambda run: time.sleep(0.0)], max_iter=10**6, time_limit=1e-9)
    assert (run.status, run.epoch) == ("time", 1)
    assert run.seconds >= 1e-9
    assert descend(max_iter=10**6, time_limit=1e-9).epoch == 1
    assert descend(max_iter=3, time_limit=1e6).status == "finished"


def test_a_callback_sees_each_epoch_and_stops_with_a_true_answer() -> None:
    seen = []

    def watch(run: Run) -> bool:
        seen.append((run.epoch, run.t, len(run.loss_curve), run.status))
        return run.epoch == 4

    run = descend([watch], max_iter=9)
    assert (run.status, run.epoch) == ("stopped", 4)
    assert seen == [(k, 9.0 * k, k, "") for k in (1, 2, 3, 4)]


def test_every_callback_is_called_although_one_stops() -> None:
    called = []
    run = descend([lambda run: True, lambda run: called.append(run.epoch)], max_iter=9)
    assert (run.status, called) == ("stopped", [1])


def test_an_answer_that_is_false_does_not_stop() -> None:
    answers: list[Any] = [None, False, 0, "", []]
    assert descend([lambda run: answers[run.epoch - 1]], max_iter=5).status == "finished"


def test_an_error_of_a_callback_is_the_callers() -> None:
    def fail(run: Run) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        descend([fail], max_iter=3)


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize(
    "model", [Linear(4), Network((4, 5, 1), (activations.tanh,), (0.3,))], ids=["linear", "network"]
)
def test_watching_changes_no_bit(model: Any, batch_size: int | None) -> None:
    told = {
        "optimizer": rules.adam(learning_rate=0.05), "loss": losses.squared, "schedule": schedules.one_cycle,
        "batch_size": batch_size, "max_iter": 12,
    }  # fmt: skip
    ways: list[tuple[dict[str, Any], Any]] = [
        ({}, ()),
        ({}, [lambda run: None]),
        ({"tol": 0.0, "n_iter_no_change": 10**6}, ()),
        ({"time_limit": 1e6}, ()),
    ]
    runs = [Run(model, ROWS, Settings(**told, **more), random_state=1).descend(watch) for more, watch in ways]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.theta, runs[0].theta)
        assert run.loss_curve == runs[0].loss_curve


LOOKED_AT = {
    "one row": (Linear(4), {"batch_size": 1}),
    "batches": (Linear(4), {"batch_size": 7}),
    "moments": (Linear(4), {}),
    "means": (Linear(4), {"batch_size": 7, "average": Averaging(0.9)}),
    "network": (Network((4, 5, 1), (activations.tanh,), (0.3,)), {"batch_size": 7}),
}


@pytest.mark.parametrize("rate", [0.05, 1e60], ids=["to the end", "diverging"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_who_looks_sees_every_epoch_as_a_callback_does(name: str, rate: float) -> None:
    model, more = LOOKED_AT[name]
    told = Settings(rules.gradient_descent(learning_rate=rate), losses.squared, max_iter=12, **more)
    seen: list[NDArray[np.float64]] = []
    run = Run(model, ROWS, told, random_state=1).descend(look=lambda _, passed: seen.extend(passed.copy()))
    called: list[NDArray[np.float64]] = []
    alike = Run(model, ROWS, told, random_state=1).descend([lambda run: called.append(run.parameters.copy())])
    assert (run.status, run.epoch, str(run.divergence)) == (alike.status, alike.epoch, str(alike.divergence))
    assert run.epoch == (12 if rate < 1 else len(seen))
    np.testing.assert_array_equal(np.array(seen[: run.epoch]), np.array(called[: run.epoch]))
    np.testing.assert_array_equal(run.theta, alike.theta)
    assert run.loss_curve == alike.loss_curve


def test_parameters_that_take_much_memory_are_looked_at_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    model, more = LOOKED_AT["network"]
    monkeypatch.setattr("thalweg.descent.run._KEPT_PER_CALL", 5 * 8 * model.size)
    told = Settings(rules.gradient_descent(learning_rate=0.05), losses.squared, max_iter=12, **more)
    looks: list[int] = []
    run = Run(model, ROWS, told, random_state=1).descend(look=lambda _, passed: looks.append(len(passed)))
    assert looks == [5, 5, 2]
    looks.clear()
    run = Run(model, ROWS, told, random_state=1).descend(look=lambda run, passed: looks.append(1) or run.epoch > 5)
    assert (run.status, run.epoch, looks) == ("stopped", 10, [1, 1])


def test_advance_makes_so_many_epochs() -> None:
    told = Settings(rules.adam(learning_rate=0.05), losses.squared, batch_size=7, max_iter=100)
    whole, parts = (Run(Linear(4), ROWS, told, random_state=1) for _ in range(2))
    whole.advance(10)
    for epochs in (1, 3, 6):
        parts.advance(epochs)
    assert whole.epoch == parts.epoch == 10
    assert whole.status == ""
    np.testing.assert_array_equal(whole.theta, parts.theta)
    assert whole.loss_curve == parts.loss_curve


@pytest.mark.parametrize(
    "schedule", [schedules.one_cycle, schedules.cosine, schedules.cyclic], ids=lambda made: made.name
)
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_ten_epochs_are_four_and_six(batch_size: int | None, schedule: Any) -> None:
    told = Settings(rules.adam(learning_rate=0.05), losses.squared, None, schedule, batch_size=batch_size, max_iter=10)
    for model in (Linear(4), Network((4, 5, 1), (activations.tanh,), (0.3,))):
        whole = Run(model, ROWS, told, random_state=1).descend()
        first = Run(model, ROWS, told, random_state=1).descend([lambda run: run.epoch == 4])
        carried = {"theta": first.theta, "state": first.state, "t": first.t, "epoch": first.epoch}
        second = Run(model, ROWS, told, random_state=1, **carried).descend()
        np.testing.assert_array_equal(second.theta, whole.theta)
        np.testing.assert_array_equal(second.state, whole.state)
        assert first.loss_curve + second.loss_curve == whole.loss_curve
        assert (second.t, second.epoch, second.status) == (whole.t, 10, "finished")


def test_what_is_given_is_copied() -> None:
    theta, state = np.ones(5), np.ones((2, 5), order="F")
    told = Settings(rules.adam, losses.squared, batch_size=7, max_iter=2)
    Run(Linear(4), ROWS, told, theta=theta, state=state).descend()
    np.testing.assert_array_equal(theta, np.ones(5))
    np.testing.assert_array_equal(state, np.ones((2, 5)))


def test_step_losses_are_kept_on_request() -> None:
    told = Settings(rules.adam(learning_rate=0.05), losses.squared, batch_size=7, max_iter=3)
    kept = Run(Linear(4), ROWS, told, random_state=1, keep_steps=True).descend()
    counts = np.array([7.0] * 8 + [4.0])
    assert len(kept.step_losses) == 27
    means = (np.reshape(kept.step_losses, (3, 9)) * counts).sum(axis=1) / 60
    np.testing.assert_allclose(kept.loss_curve, means, rtol=1e-14)
    assert Run(Linear(4), ROWS, told, random_state=1).descend().step_losses == []


# ---- the same seed ---------------------------------------------------------------------------------------------------


def runs() -> list[Any]:
    """Makers of runs that differ in all they can, each with a seed of its own."""
    single = Network((4, 6, 1), (activations.gelu,), (0.4,))
    layouts = [(Linear(4), 1), (Linear(4), 7), (single, 7), (single, 20), (Linear(4), None)]
    made = []
    for seed, (model, batch_size) in enumerate(layouts * 2):
        optimizer = [rules.adam, rules.lion][seed % 2](learning_rate=0.01)
        told = Settings(optimizer, losses.squared, batch_size=batch_size, max_iter=30)
        made.append(lambda model=model, told=told, seed=seed: Run(model, ROWS, told, random_state=seed).descend())
    return made


def test_same_seed_same_bits_in_eight_threads() -> None:
    makers = runs()
    alone = [make().theta.tobytes() for make in makers]
    together: list[tuple[int, bytes]] = []
    gate = threading.Barrier(8)

    def work(first: int) -> None:
        gate.wait()
        for k in range(len(makers)):
            chosen = (first + k) % len(makers)
            together.append((chosen, makers[chosen]().theta.tobytes()))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 8 * len(makers)
    assert all(theta == alone[chosen] for chosen, theta in together)


def test_threads_that_compile_at_once_get_the_same_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    text = (
        "def fresh(theta, g, t, *, learning_rate=0.01): return theta - learning_rate * np.sign(g) * np.sqrt(np.abs(g))"
    )
    made = rule(text.replace("0.01", repr(0.01 + 1e-9)))
    told = Settings(made, losses.squared, batch_size=7, max_iter=5)
    ends: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: ends.append(Run(Linear(4), ROWS, told, random_state=0).descend().theta.tobytes())
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 4
    assert len(set(ends)) == 1


def test_another_seed_is_another_run() -> None:
    told = Settings(rules.adam(learning_rate=0.05), losses.squared, batch_size=7, max_iter=2)
    assert len({Run(Linear(4), ROWS, told, random_state=seed).descend().theta.tobytes() for seed in range(20)}) == 20


def test_dropout_draws_fresh_masks_and_the_same_again() -> None:
    model = Network((4, 30, 1), (activations.tanh,), (0.5,))
    told = Settings(rules.gradient_descent(learning_rate=1e-12), losses.squared, max_iter=6, shuffle=False)
    first, again, other = (
        Run(model, ROWS, told, theta=np.ones(model.size), random_state=s).descend().loss_curve for s in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert len(set(first)) == 6, "the weights stand still: only the masks can change the loss"


def test_dropout_leaves_the_mean_of_the_scores_alone() -> None:
    # Inverted scaling: over many masks the loss's linear part is that of the whole network.
    model = Network((4, 200, 1), (activations.identity,), (0.5,))
    theta = np.random.default_rng(0).normal(0, 0.05, model.size)
    rows = Rows.of(np.ones((1, 4)), np.full(1, -1e3))
    told = Settings(rules.gradient_descent(learning_rate=1e-300), losses.absolute, max_iter=4000)
    curve = Run(model, rows, told, theta=theta, random_state=0).descend().loss_curve
    whole = float(model.scores(theta, np.ones((1, 4)))[0, 0]) + 1e3
    assert np.mean(curve) == pytest.approx(whole, abs=6 * np.std(curve) / 4000**0.5)
    assert np.std(curve) > 0.01
