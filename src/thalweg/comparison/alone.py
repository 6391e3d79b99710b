"""One run of a comparison by itself: networks, and chosen arms again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from thalweg.comparison.outcome import Outcome, Problem
from thalweg.comparison.plan import Arm
from thalweg.descent.evaluation import Evaluation
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings


def make_run(
    arm: Arm, seed: int, problem: Problem, settings: Settings, watch: Callable[[Run], bool] | None = None
) -> tuple[Outcome, Run]:
    """Make one run and take the loss of the validation part after every epoch.

    Parameters
    ----------
    arm : Arm
    seed : int
    problem : Problem
    settings : Settings
        What all runs share that bring nothing of their own; the optimizer is replaced by that of the arm.
    watch : callable, optional
        Called with the run after an epoch, or after several that took no longer than a moment; a true answer stops it.

    Returns
    -------
    outcome : Outcome
    run : Run
        At its end, with its parameters.
    """
    model, own = arm.told(problem.model, settings)
    run = Run(model, problem.train, own, random_state=seed, threads=1)
    judge = Evaluation(model, problem.judged, own.loss)
    losses = [float(judge(run.parameters)[0])]

    def look(run: Run, passed: NDArray[Any]) -> bool:
        losses.extend(judge.each(passed)[:, 0].tolist())
        return watch is not None and watch(run)

    run.descend(look=look)
    return Outcome(arm, seed, run.record(), tuple(losses[: run.epoch + 1])), run
