"""The update rules, in four chapters from the bare gradient to Adam's successors.

A rule is one function. After ``theta``, ``g`` and ``t`` come its slots, keyword-only are its hyperparameters; it
returns the new theta and the new slots. ``theta``, ``g`` and every slot are arrays of one shape and of one type,
float64 or float32, which the result keeps; ``t`` counts updates from 1 and is a float. Slots start at zero unless
the decorator says otherwise. Nothing is written in place.

The formulas hold for every coordinate alone and use the symbols of their papers. What does not depend on a coordinate
stands together, so that it is computed once per step: one root and one division per coordinate, where the mathematics
allows.
"""

from __future__ import annotations

from thalweg.formulas.rules.moments import adam, adamax, adamw, amsgrad, nadam, radam
from thalweg.formulas.rules.scaling import (
    adadelta,
    adagrad,
    ftrl,
    rmsprop,
    rmsprop_centered,
    rmsprop_centered_momentum,
    rmsprop_momentum,
    rprop,
)
from thalweg.formulas.rules.successors import adabelief, adan, ademamix, laprop, yogi
from thalweg.formulas.rules.velocity import (
    aggmo,
    ema_momentum,
    gradient_descent,
    lion,
    momentum,
    nesterov,
    qhm,
    signsgd,
    signum,
)

__all__ = [
    "adabelief",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adan",
    "ademamix",
    "aggmo",
    "amsgrad",
    "ema_momentum",
    "ftrl",
    "gradient_descent",
    "laprop",
    "lion",
    "momentum",
    "nadam",
    "nesterov",
    "qhm",
    "radam",
    "rmsprop",
    "rmsprop_centered",
    "rmsprop_centered_momentum",
    "rmsprop_momentum",
    "rprop",
    "signsgd",
    "signum",
    "yogi",
]
