"""Mistakes of loops over parameter arrays: what belongs to one array is used for another, or one is left out."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import First, Replace, Share
from thalweg.check.catalogue.variation import Variation

_SEEDS = ("gradient_descent", "momentum", "ema_momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw")

VARIATIONS = (
    Variation(
        "only-first-array",
        "mistake",
        "only the first parameter array is updated",
        "A return stands inside the loop over layers, or the loop ends one layer early. What comes after the first "
        "array stays where it started.",
        "public course code",
        (
            First("theta_before = theta"),
            Replace("theta = X", "theta = np.where(first_array, X, theta_before)", last=True),
        ),
        (*_SEEDS, "amsgrad", "adamax", "nadam"),
        several_arrays=True,
    ),
    Variation(
        "first-array-skipped",
        "mistake",
        "the first parameter array is not updated",
        "The loop over layers starts one too late, or its last turn overwrites all others. The first array stays where "
        "it started.",
        "public course code (range(1, L))",
        (
            First("theta_before = theta"),
            Replace("theta = X", "theta = np.where(first_array, theta_before, X)", last=True),
        ),
        (*_SEEDS, "amsgrad", "adamax", "nadam"),
        several_arrays=True,
    ),
    Variation(
        "one-state-for-all-arrays",
        "mistake",
        "one memory serves all parameter arrays",
        "Each array updates the memory that the one before has left. With arrays of different shapes it cannot even "
        "run; with equal ones every array follows a mixture.",
        "adaptive-inertia-adai#3; public course code",
        (Share(),),
        equal_arrays=True,
    ),
    Variation(
        "first-gradient-for-all",
        "mistake",
        "all arrays are updated with the first one's gradient",
        "A copied line still reads dW where db belongs. The second array is moved by a gradient that is not its own.",
        "public course code",
        (First("g = first_of(g)"),),
        _SEEDS,
        equal_arrays=True,
    ),
    Variation(
        "last-gradient-for-all",
        "mistake",
        "all arrays are updated with the last one's gradient",
        "The loop's variable still holds the last gradient. Every array is moved by it.",
        "public course code",
        (First("g = last_of(g)"),),
        _SEEDS,
        equal_arrays=True,
    ),
    Variation(
        "first-velocity-for-all",
        "mistake",
        "all arrays step with the first one's velocity",
        "A copied line still reads v_dW where v_db belongs. The second array's own velocity is not used.",
        "public course code",
        (Replace("learning_rate * velocity", "learning_rate * first_of(velocity)", within="theta"),),
        ("momentum", "ema_momentum"),
        equal_arrays=True,
    ),
    Variation(
        "first-scale-for-all",
        "mistake",
        "all arrays are divided by the first one's scale",
        "A copied line still reads s_dW where s_db belongs. The second array is measured by foreign gradients.",
        "public course code",
        (Replace("np.sqrt(X) + epsilon", "np.sqrt(first_of(X)) + epsilon", within="theta"),),
        ("adagrad", "rmsprop", "adam", "adamw"),
        equal_arrays=True,
    ),
    Variation(
        "first-mean-for-all",
        "mistake",
        "all arrays step with the first one's mean gradient",
        "A copied line still reads v_dW where v_db belongs. The second array follows foreign gradients.",
        "public course code",
        (Replace("m_hat", "first_of(m_hat)", within="theta"),),
        ("adam", "adamw"),
        equal_arrays=True,
    ),
    Variation(
        "counted-by-array",
        "mistake",
        "the exponent is the number of the array, not t",
        "The loop's variable stands where t belongs. The correction never ends and differs from layer to layer.",
        "public course code",
        (First("t = layer"),),
        ("adam", "adamw", "adamax", "amsgrad"),
    ),
    Variation(
        "counted-from-array",
        "mistake",
        "the number of the array is added to t",
        "The correction is that of a later step, the later the deeper the layer.",
        "public course code",
        (First("t = t + layer - 1"),),
        ("adam", "adamw", "adamax", "amsgrad"),
    ),
    Variation(
        "never-updated",
        "mistake",
        "the parameters are never updated",
        "The step is computed and not stored, or stored under another name. They stay where they started.",
        "public course code",
        (First("theta_before = theta"), Replace("theta = X", "theta = theta_before", last=True)),
        (*_SEEDS, "amsgrad", "adamax", "nadam"),
        some_arrays=True,
    ),
    Variation(
        "steps-without-velocity",
        "mistake",
        "the step uses the gradient, not the velocity",
        "A copied line still reads db where v_db belongs. The velocity is kept for nothing, and the parameters follow "
        "plain gradient descent.",
        "public course code",
        (Replace("learning_rate * velocity", "learning_rate * g", within="theta"),),
        ("momentum", "ema_momentum"),
    ),
    Variation(
        "decay-left-out",
        "convention",
        "the parameters do not decay",
        "Biases and the scales of normalisations are usually spared the decay that weights have. Nothing is to be "
        "changed.",
        "d2l.ai (weight decay); timm (no decay on biases); Keras (exclude_from_weight_decay)",
        (Replace("weight_decay", "0 * weight_decay"),),
        ("adamw", "lion", "adan", "ademamix"),
        some_arrays=True,
    ),
    Variation(
        "gradient-one-step-late",
        "mistake",
        "the gradient of the step before is used",
        "The update comes before the new gradient is stored. Each gradient acts one step late, and the first step does "
        "not follow any.",
        "public course code",
        (First("late = waiting\nwaiting = g\ng = late"),),
        _SEEDS,
        slots=MappingProxyType({"waiting": 0.0}),
    ),
)
