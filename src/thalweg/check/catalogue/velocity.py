"""Mistakes of steps and velocities: gradient descent, momentum, Nesterov; and those that any rule can have."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import Either, First, Forget, Replace
from thalweg.check.catalogue.variation import Variation

_HEAVY = ("momentum", "nesterov")
_SEEDS = ("gradient_descent", "momentum", "ema_momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw")

ANY = (
    Variation(
        "uphill",
        "mistake",
        "the step is added, not subtracted",
        "The gradient points uphill; descent goes against it. The loss rises at every step.",
        "public course code",
        (Replace("theta = theta - X", "theta = theta + X", last=True),),
    ),
    Variation(
        "gradient-not-zeroed",
        "mistake",
        "gradients pile up from step to step",
        "Each step gets the sum of all gradients so far: they are added to and never set to zero. It looks like a "
        "momentum of 1.",
        "the forgotten zero_grad of PyTorch's users",
        (First("total = total + g\ng = total"),),
        _SEEDS,
        slots=MappingProxyType({"total": 0.0}),
    ),
    Variation(
        "state-made-anew",
        "mistake",
        "the state is made anew at each step",
        "Memory that is created inside the step is empty every time. The rule forgets all but the last gradient.",
        "TF forum thread 30155",
        (Forget(),),
        (
            "momentum",
            "ema_momentum",
            "nesterov",
            "adagrad",
            "rmsprop",
            "adadelta",
            "adam",
            "adamw",
            "adamax",
            "amsgrad",
            "signum",
            "rmsprop_momentum",
            "rmsprop_centered",
        ),
    ),
    Variation(
        "gradient-normalised",
        "mistake",
        "each array's gradient is divided by its norm",
        "Every step has the same length, however close the minimum is. The rule cannot settle.",
        "public course code",
        (First("g = g / np.sqrt(array_sum(g**2))"),),
        ("gradient_descent", "momentum", "ema_momentum"),
    ),
)

VELOCITY = (
    Variation(
        "rate-twice",
        "mistake",
        "the learning rate is applied twice",
        "It stands in the velocity and again in the step. Steps are as long as the square of the rate.",
        "public course code",
        (Replace("velocity = momentum * velocity + X", "velocity = momentum * velocity + learning_rate * (X)"),),
        ("momentum", "ema_momentum", "nesterov", "rmsprop_momentum"),
    ),
    Variation(
        "memory-subtracted",
        "mistake",
        "the old velocity is subtracted",
        "Momentum brakes where it should drive: the velocity turns its sign at every step.",
        "pytorch#44917 (signs disputed); course code",
        (Replace("momentum * velocity + X", "X - momentum * velocity", within="velocity"),),
        ("momentum", "ema_momentum", "nesterov"),
    ),
    Variation(
        "momentum-of-sum",
        "mistake",
        "momentum multiplies the gradient as well",
        "momentum * (velocity + g) stands where momentum * velocity + g belongs. Every gradient is weakened by it.",
        "public course code",
        (Replace("velocity = momentum * velocity + X", "velocity = momentum * (velocity + X)"),),
        _HEAVY,
    ),
    Variation(
        "velocity-weights-swapped",
        "mistake",
        "the weights of the velocity are swapped",
        "momentum belongs to the old velocity and 1 - momentum to the gradient. Swapped, nine tenths are forgotten at "
        "each step.",
        "seed 001 (0.2 for 0.8); fastbook#342",
        (
            Replace(
                "velocity = momentum * velocity + (1 - momentum) * g",
                "velocity = (1 - momentum) * velocity + momentum * g",
            ),
        ),
        ("ema_momentum",),
    ),
    Variation(
        "velocity-late",
        "mistake",
        "the step uses the velocity before this gradient",
        "Each gradient acts one step late, and the first step does not move at all.",
        "public course code",
        (First("stale = velocity"), Replace("velocity", "stale", within="theta")),
        ("momentum", "ema_momentum"),
    ),
    Variation(
        "velocity-twice",
        "mistake",
        "the gradient is subtracted beside the velocity that holds it",
        "The gradient acts twice in its own step.",
        "public course code",
        (Replace("learning_rate * velocity", "learning_rate * (velocity + g)", within="theta"),),
        ("momentum", "ema_momentum"),
    ),
    Variation(
        "velocity-added-to-itself",
        "mistake",
        "the new velocity is added to the old one",
        "+= stands where = belongs. Nothing is forgotten: the velocity grows by the factor 1 + momentum at every step.",
        "public course code",
        (Replace("velocity = X", "velocity = velocity + X"),),
        ("momentum", "ema_momentum", "nesterov"),
    ),
    Variation(
        "history-reversed",
        "mistake",
        "the newest gradient weighs least",
        "The powers of momentum are counted from the first gradient and not from the last. The step goes on where the "
        "first gradients pointed.",
        "public course code",
        (
            Either(
                (
                    Replace("velocity = momentum * velocity + g", "velocity = velocity + momentum**(t - 1) * g"),
                    Replace(
                        "velocity = momentum * velocity + (1 - momentum) * g",
                        "velocity = velocity + momentum**(t - 1) * (1 - momentum) * g",
                    ),
                )
            ),
        ),
        ("momentum", "ema_momentum"),
    ),
)

NESTEROV = (
    Variation(
        "gradient-left-out",
        "mistake",
        "the gradient is left out of Nesterov's step",
        "The step is momentum times the velocity alone. It is heavy ball with a smaller rate.",
        "pytorch#5920 and its answers",
        (Replace("g + momentum * velocity", "momentum * velocity"),),
        ("nesterov",),
    ),
    Variation(
        "look-ahead-not-weighted",
        "mistake",
        "momentum is missing in Nesterov's look-ahead",
        "g + velocity stands where g + momentum * velocity belongs. The look-ahead goes too far.",
        "public course code",
        (Replace("g + momentum * velocity", "g + velocity"),),
        ("nesterov",),
    ),
    Variation(
        "look-ahead-sign",
        "mistake",
        "the sign of the old velocity is wrong in Nesterov's step",
        "The form (1 + momentum) * velocity - momentum * old velocity subtracts the old one. Added, the step is far "
        "too long.",
        "cs231n notes and their copies",
        (First("stale = velocity"), Replace("g + momentum * velocity", "(1 + momentum) * velocity + momentum * stale")),
        ("nesterov",),
    ),
    Variation(
        "look-ahead-difference",
        "mistake",
        "1 - momentum stands where 1 + momentum belongs in Nesterov's step",
        "The form is (1 + momentum) * velocity - momentum * old velocity. With a difference the gradient hardly acts.",
        "cs231n notes and their copies",
        (First("stale = velocity"), Replace("g + momentum * velocity", "(1 - momentum) * velocity - momentum * stale")),
        ("nesterov",),
    ),
    Variation(
        "looks-ahead-from-new-velocity",
        "mistake",
        "Nesterov's look-ahead counts the new velocity as the old one",
        "The form momentum**2 * old velocity + (1 + momentum) * g needs the velocity before this gradient. With the "
        "new one the gradient acts once more.",
        "deep-learning-from-scratch (common/optimizer.py)",
        (Replace("g + momentum * velocity", "(1 + momentum) * g + momentum**2 * velocity"),),
        ("nesterov",),
    ),
)

VARIATIONS = (*ANY, *VELOCITY, *NESTEROV)
