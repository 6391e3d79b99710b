"""Runs made one after another, each alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from thalweg.comparison.outcome import Outcome, Problem
from thalweg.comparison.plan import Arm, Plan
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings


def carry_out(plan: Plan, problem: Problem, settings: Settings) -> Iterator[Outcome]:
    """Make the runs of a plan, in its order.

    Parameters
    ----------
    plan : Plan
    problem : Problem
    settings : Settings
        What all runs share; the optimizer is replaced by that of the arm.

    Yields
    ------
    Outcome
    """
    for arm, seed in plan:
        yield make_run(arm, seed, problem, settings)[0]


def make_run(arm: Arm, seed: int, problem: Problem, settings: Settings) -> tuple[Outcome, Run]:
    """Make one run and look at the validation part after every epoch.

    Returns
    -------
    outcome : Outcome
    run : Run
        At its end, with its parameters.
    """
    run = Run(problem.model, problem.train, replace(settings, optimizer=arm.rule), random_state=seed)
    losses = [problem.validation_loss(settings.loss, run.theta)]

    def look(run: Run) -> bool:
        losses.append(problem.validation_loss(settings.loss, run.theta))
        return False

    run.descend(callbacks=[look])
    if run.epoch == len(losses):  # nobody is called after the epoch in which a run is called diverged
        look(run)
    return Outcome(arm, seed, run.record(), tuple(losses)), run
