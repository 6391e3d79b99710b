"""Runs to keep: made up, but with everything that a run can leave behind. The same arm and seed give the same run."""

from __future__ import annotations

import math
import zlib

import numpy as np

from thalweg.comparison.outcome import Confirmation, Outcome
from thalweg.comparison.plan import Arm
from thalweg.descent.record import DIVERGED, FINISHED, Divergence, Record
from thalweg.formulas.rules import adam, momentum, rprop

#: Two rules at several rates, and one without a rate.
ARMS = [
    *(Arm("adam", adam(learning_rate=rate), rate) for rate in (1e-3, 1e-2, 0.1)),
    *(Arm("heavy ball", momentum(learning_rate=rate, momentum=0.5), rate) for rate in (1e-2, 1.0)),
    Arm("rprop", rprop, None),
]
MACHINE = {"thalweg": "0.1.0", "numpy": "2", "processor": "of paper"}
EPOCHS = 5


def outcome(arm: Arm, seed: int) -> Outcome:
    """Return a run; that of a rate of 1 diverges."""
    numbers = np.random.default_rng([zlib.crc32(repr(arm).encode()), seed])
    losses = (numbers.exponential(size=EPOCHS + 1) * 10.0 ** numbers.integers(-9, 9, EPOCHS + 1)).tolist()
    status, divergence = FINISHED, None
    if arm.learning_rate == 1.0:
        losses = [losses[0], 1e300, math.inf, -math.inf]
        status, divergence = DIVERGED, Divergence(3, 17, "loss", "the loss is inf")
    settings = {
        "optimizer": {"name": arm.rule.name, **arm.rule.hyperparameters},
        "batch_size": None,
        "max_iter": EPOCHS,
    }
    record = Record(
        status,
        len(losses) - 1,
        20,
        [-0.0, *losses[1:]],
        settings,
        step_losses=losses[:2] if seed == 1 else [],
        divergence=divergence,
        seconds=numbers.random(),
        machine=MACHINE,
    )
    return Outcome(arm, seed, record, tuple(losses))


def outcomes(arms: list[Arm] | None = None, seeds: int = 3) -> list[Outcome]:
    """Return the runs of these arms, all seeds of one together."""
    return [outcome(arm, seed) for arm in (ARMS if arms is None else arms) for seed in range(seeds)]


def many_arms(count: int, first: int = 0) -> list[Arm]:
    """Return arms of one rule, others for another ``first``."""
    rates = [1e-4 * (k + 1) for k in range(first, first + count)]
    return [Arm("adam", adam(learning_rate=rate), rate) for rate in rates]


def confirmation(arm: Arm, seed: int) -> Confirmation:
    """Return what a chosen arm comes to on the test part."""
    loss = math.inf if arm.learning_rate == 1.0 else 0.1 * (seed + 1)
    return Confirmation(arm.name, arm.learning_rate, seed, loss, {"R2": 1 / 3, "RMSE": math.inf}, 1e-3 / (seed + 1))
