"""Mistakes of rules that divide by the size of past gradients: AdaGrad, RMSprop, AdaDelta; and of every denominator."""

from __future__ import annotations

from thalweg.check.catalogue.brackets import in_denominator
from thalweg.check.catalogue.edits import First, Last, Replace
from thalweg.check.catalogue.variation import Variation

_RMS = ("rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum")

DENOMINATORS = (
    Variation(
        "root-missing",
        "mistake",
        "the root of the second moment is missing",
        "The step is divided by the mean square where its root belongs. It then grows as gradients shrink.",
        "public course code",
        (in_denominator("X + epsilon", "Y / X"),),
    ),
    Variation(
        "epsilon-missing",
        "mistake",
        "epsilon is missing",
        "Nothing guards the division. A coordinate whose gradients are zero becomes NaN and takes the rest with it.",
        "public course code",
        (Replace("np.sqrt(X) + epsilon", "np.sqrt(X)"),),
    ),
    Variation(
        "epsilon-subtracted",
        "mistake",
        "epsilon is subtracted",
        "The guard makes the denominator smaller. It is negative where gradients are smaller than epsilon, and the "
        "step goes uphill.",
        "public course code",
        (Replace("np.sqrt(X) + epsilon", "np.sqrt(X) - epsilon"),),
    ),
    Variation(
        "epsilon-after-division",
        "mistake",
        "epsilon is added to the step, not to the denominator",
        "Without brackets division comes first: m / sqrt(v) + epsilon is (m / sqrt(v)) + epsilon. Nothing guards the "
        "division, and every step drifts by epsilon.",
        "public course code",
        (Replace("X / (np.sqrt(Y) + epsilon)", "X / np.sqrt(Y) + epsilon"),),
    ),
    Variation(
        "epsilon-after-quotient",
        "mistake",
        "epsilon is added to the quotient, not to the denominator",
        "The bracket closes too late: rate * (m / sqrt(v) + epsilon). Nothing guards the division, and every step "
        "drifts by rate times epsilon.",
        "public course code",
        (Replace("learning_rate * X / (np.sqrt(Y) + epsilon)", "learning_rate * (X / np.sqrt(Y) + epsilon)"),),
        ("adagrad", "rmsprop", "adam", "adamw", "amsgrad", "adabelief", "yogi"),
    ),
    Variation(
        "epsilon-after-step",
        "mistake",
        "epsilon is added to theta, not to the denominator",
        "Without brackets epsilon stands behind the whole step: theta - m / sqrt(v) + epsilon. Nothing guards the "
        "division, and theta drifts by epsilon at every step.",
        "d2l-en#2691; public course code",
        (Replace("X / (np.sqrt(Y) + epsilon)", "X / np.sqrt(Y) - epsilon"),),
    ),
    Variation(
        "not-squared",
        "mistake",
        "the gradient is not squared",
        "The mean of gradients stands where the mean square belongs. Its root has no real value where gradients are "
        "negative.",
        "public course code",
        (Replace("g**2", "g"),),
        ("adagrad", "adadelta", *_RMS, "adam", "adamw", "amsgrad", "nadam", "radam", "laprop"),
    ),
    Variation(
        "size-for-square",
        "mistake",
        "the gradient's size stands where its square belongs",
        "A mean of sizes is rooted as if it were a mean of squares. The step keeps the root of the gradient's scale.",
        "public course code",
        (Replace("g**2", "np.abs(g)"),),
        ("adagrad", "adadelta", *_RMS, "adam", "adamw", "amsgrad", "nadam", "radam", "laprop"),
    ),
    Variation(
        "one-scale-per-array",
        "mistake",
        "one sum of squares serves a whole array",
        "The squares of all coordinates are added up before the root. The rule is then no longer per coordinate: small "
        "gradients beside a large one hardly move.",
        "public course code (np.linalg.norm for the square)",
        (Replace("g**2", "array_sum(g**2)"),),
        ("adagrad", "rmsprop", "adam", "adamw"),
    ),
)

ADAGRAD = (
    Variation(
        "squares-not-kept",
        "mistake",
        "the sum of squares is made anew at each step",
        "AdaGrad's steps shrink because squares pile up. Without memory every step is as long as the rate.",
        "public course code",
        (Replace("s = s + X", "s = X"),),
        ("adagrad",),
    ),
    Variation(
        "root-kept",
        "mistake",
        "the root is kept as the sum of squares",
        "The root is for reading only. Written back, the next square is added to a root.",
        "public course code",
        (Last("s = np.sqrt(s)"),),
        ("adagrad",),
    ),
    Variation(
        "sum-before-gradient",
        "mistake",
        "the sum is used before it sees the gradient",
        "The step is divided by the size of earlier gradients only. The first step divides by epsilon.",
        "public course code",
        (First("stale = s"), Replace("np.sqrt(s)", "np.sqrt(stale)", within="theta")),
        ("adagrad",),
    ),
    Variation(
        "sum-then-square",
        "mistake",
        "gradients are summed and then squared",
        "The square of a sum is not the sum of squares: gradients of both signs cancel in it.",
        "public course code",
        (Replace("s = s + g**2", "s = s + g"), Replace("np.sqrt(s)", "np.sqrt(s**2)", within="theta")),
        ("adagrad",),
    ),
)

RMSPROP = (
    Variation(
        "square-weights-swapped",
        "mistake",
        "the weights of the mean square are swapped",
        "rho belongs to the memory and 1 - rho to the square. Swapped, a rho of 0.9 forgets nine tenths at each step.",
        "seed 001 (0.2 for 0.8); fastbook#342",
        (Replace("X = rho * X + (1 - rho) * g**2", "X = (1 - rho) * X + rho * g**2"),),
    ),
    Variation(
        "square-not-weighted",
        "mistake",
        "(1 - rho) is missing in the mean square",
        "The sum of squares is not their mean: it is 1 / (1 - rho) times larger. Steps are sqrt(1 - rho) times what "
        "they should be.",
        "public course code",
        (Replace("X = rho * X + (1 - rho) * g**2", "X = rho * X + g**2"),),
    ),
    Variation(
        "square-not-kept",
        "mistake",
        "the mean square is made anew at each step",
        "Nothing of earlier squares is left in it. Each step is then the sign of the gradient.",
        "TF forum thread 30155",
        (Replace("X = rho * X + (1 - rho) * g**2", "X = (1 - rho) * g**2"),),
    ),
    Variation(
        "square-added-to-itself",
        "mistake",
        "the new mean square is added to the old one",
        "+= stands where = belongs. Nothing is forgotten: the mean square grows by the factor 1 + rho at every step, "
        "and steps die out.",
        "public course code",
        (Replace("X = rho * X + Y", "X = X + (rho * X + Y)"),),
        ("rmsprop", "adadelta"),
    ),
    Variation(
        "square-before-gradient",
        "mistake",
        "the mean square is used before it sees the gradient",
        "The step is divided by the size of earlier gradients only. The first step divides by epsilon.",
        "public course code",
        (First("stale = v"), Replace("np.sqrt(v)", "np.sqrt(stale)")),
        ("rmsprop", "rmsprop_momentum"),
    ),
    Variation(
        "mean-added",
        "mistake",
        "the squared mean is added where it is to be subtracted",
        "The variance is the mean square less the squared mean. Added, steady gradients take the shortest steps.",
        "public course code",
        (Replace("v - m**2", "v + m**2"),),
    ),
    Variation(
        "mean-not-squared",
        "mistake",
        "the mean is not squared in the variance",
        "The variance is the mean square less the squared mean. The mean itself has another unit.",
        "public course code",
        (Replace("v - m**2", "v - m"),),
    ),
    Variation(
        "variance-kept",
        "mistake",
        "the variance is kept as the mean square",
        "Centring in place eats the second moment: the mean is subtracted again at every step.",
        "Ecosystem_WebUI#383",
        (Replace("variance = X", "v = X\nvariance = v"),),
    ),
    Variation(
        "velocity-then-scaled",
        "mistake",
        "the velocity is scaled where the gradient is to be",
        "Each gradient enters the velocity in units of its own scale. Scaled afterwards, old gradients are measured "
        "by new sizes.",
        "rasbt and others, see pytorch#26735",
        (
            Replace("velocity = momentum * velocity + g / X", "velocity = momentum * velocity + g"),
            Replace(
                "theta = theta - learning_rate * velocity",
                "theta = theta - learning_rate * velocity / (np.sqrt(v) + epsilon)",
            ),
        ),
        ("rmsprop_momentum",),
    ),
)

ADADELTA = (
    Variation(
        "delta-of-gradient",
        "mistake",
        "the mean square of steps is taken of gradients",
        "delta has to average the squares of the steps. Of gradients it is the same as s, and steps are gradients.",
        "d2l-en#1180; course code",
        (Replace("delta = rho * delta + (1 - rho) * d**2", "delta = rho * delta + (1 - rho) * g**2"),),
    ),
    Variation(
        "delta-not-squared",
        "mistake",
        "the steps are not squared in their mean square",
        "delta has to average squares. Steps of both signs cancel in it and its root has no real value.",
        "public course code",
        (Replace("d**2", "d", within="delta"),),
        ("adadelta",),
    ),
    Variation(
        "delta-before-step",
        "mistake",
        "the mean square of steps holds this step before it is made",
        "delta has to lag: the step is measured in units of the steps before. Updated first, it holds a step that was "
        "not made.",
        "AI-and-ML#43",
        (
            Replace(
                "theta = theta - learning_rate * d",
                "theta = theta - learning_rate * np.sqrt(delta + epsilon) / np.sqrt(s + epsilon) * g",
            ),
        ),
        ("adadelta",),
    ),
    Variation(
        "delta-weights-swapped",
        "mistake",
        "the weights of the mean square of steps are swapped",
        "rho belongs to the memory and 1 - rho to the new step.",
        "seed 001",
        (Replace("delta = rho * delta + (1 - rho) * d**2", "delta = (1 - rho) * delta + rho * d**2"),),
    ),
    Variation(
        "delta-not-kept",
        "mistake",
        "the mean square of steps stays where it started",
        "Nothing feeds the numerator, so the steps keep the size of the root of epsilon.",
        "public course code",
        (Replace("delta = rho * delta + (1 - rho) * d**2", ""),),
    ),
    Variation(
        "sum-read-late",
        "mistake",
        "the step is computed before the accumulator sees the gradient",
        "s has to be updated first. The first step divides by the root of epsilon alone.",
        "AI-and-ML#43; d2l-en#1180",
        (
            First("stale = s"),
            Replace("np.sqrt(s + epsilon)", "np.sqrt(stale + epsilon)", within="d"),
        ),
        ("adadelta",),
    ),
    Variation(
        "ratio-upside-down",
        "mistake",
        "the ratio of the two roots is upside down",
        "Steps are measured in units of past steps over past gradients. Upside down they grow with the gradient's "
        "square.",
        "public course code",
        (
            Replace(
                "np.sqrt(delta + epsilon) / np.sqrt(s + epsilon)", "np.sqrt(s + epsilon) / np.sqrt(delta + epsilon)"
            ),
        ),
    ),
    Variation(
        "numerator-without-epsilon",
        "mistake",
        "epsilon is missing in the numerator",
        "delta starts at zero; without epsilon the first step is zero and so are all others.",
        "public course code",
        (Replace("np.sqrt(delta + epsilon)", "np.sqrt(delta)"),),
    ),
    Variation(
        "denominator-without-epsilon",
        "mistake",
        "epsilon is missing in the denominator",
        "s is zero where no gradient came yet, and the division has no value.",
        "public course code",
        (Replace("np.sqrt(s + epsilon)", "np.sqrt(s)", within="d"),),
        ("adadelta",),
    ),
)

VARIATIONS = (*DENOMINATORS, *ADAGRAD, *RMSPROP, *ADADELTA)
