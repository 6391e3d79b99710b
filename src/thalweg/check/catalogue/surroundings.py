"""Conventions around a rule, and where its memory starts: clipping, rates that fall, averages that start elsewhere."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import First, Replace
from thalweg.check.catalogue.variation import Variation

_SEEDS = ("gradient_descent", "momentum", "ema_momentum", "nesterov", "adagrad", "rmsprop", "adam")

VARIATIONS = (
    Variation(
        "clipped-by-value",
        "convention",
        "gradients are clipped to a range",
        "Every coordinate is held between -clip and clip before the rule sees it. It guards against explosions and "
        "changes the direction of the step.",
        "Keras (clipvalue); Optax clip; course code on recurrent networks",
        (First("g = np.clip(g, -clip, clip)"),),
        (*_SEEDS, "adamw"),
        MappingProxyType({"clip": 1.0}),
    ),
    Variation(
        "falling-rate",
        "convention",
        "the rate falls with the steps",
        "PyTorch's Adagrad and the older Keras divide the rate by 1 + (t - 1) * lr_decay; that is a schedule.",
        "torch.optim.Adagrad(lr_decay=...)",
        (Replace("learning_rate", "learning_rate / (1 + (t - 1) * lr_decay)", within="theta"),),
        _SEEDS,
        MappingProxyType({"lr_decay": 0.01}),
    ),
    Variation(
        "rate-over-root",
        "convention",
        "the rate falls with the root of t",
        "The rate is divided by sqrt(t), for which the proofs of convergence are made. That is a schedule.",
        "Kingma and Ba (2015), section 4; Zinkevich (2003)",
        (Replace("learning_rate", "learning_rate / np.sqrt(t)", within="theta"),),
        _SEEDS,
    ),
    Variation(
        "average-starts-at-gradient",
        "convention",
        "the average starts at the first gradient",
        "Started at the first gradient and not at zero, the average needs no correction.",
        "public code; Optax ema and Polyak averages are started so at times",
        (Replace("velocity = momentum * velocity + X", "velocity = np.where(t > 1, momentum * velocity + X, g)"),),
        ("ema_momentum",),
    ),
    Variation(
        "mean-square-starts-at-square",
        "convention",
        "the mean square starts at the first square",
        "Started at the first square and not at zero, RMSprop takes no long first steps.",
        "public code",
        (Replace("v = rho * v + X", "v = np.where(t > 1, rho * v + X, g**2)"),),
        ("rmsprop",),
    ),
    Variation(
        "mean-square-starts-at-one",
        "convention",
        "the mean square starts at one",
        "TensorFlow's first RMSprop started so, and first steps are shorter than from zero.",
        "tf.compat.v1.train.RMSPropOptimizer",
        (Replace("v = rho * v + X", "v = np.where(t > 1, rho * v + X, rho + X)"),),
        ("rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum"),
    ),
    Variation(
        "no-epsilon-in-maximum",
        "convention",
        "AdaMax has no epsilon",
        "The paper's algorithm needs none: only a coordinate whose gradients were all zero divides zero by zero.",
        "Kingma and Ba (2015), Algorithm 2",
        (Replace("np.abs(g) + epsilon", "np.abs(g)"),),
        ("adamax",),
    ),
)
