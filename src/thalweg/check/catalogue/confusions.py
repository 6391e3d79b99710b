"""Mistakes of names: one quantity where another belongs, as they come from copying a line and changing half of it."""

from __future__ import annotations

from thalweg.check.catalogue.edits import Replace
from thalweg.check.catalogue.variation import Variation

_CORRECTED = ("adam", "adamw", "amsgrad", "adabelief", "yogi")
_RMS = ("rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum")
_SQUARES = ("adagrad", "adadelta", *_RMS, "adam", "adamw", "amsgrad", "nadam", "radam", "laprop")

MOMENTS = (
    Variation(
        "moments-swapped",
        "mistake",
        "the two moments are swapped in the step",
        "The step goes along the mean square and is divided by the root of the mean. That root has no real value where "
        "gradients are negative.",
        "public course code",
        (
            Replace("m_hat", "mean_hat", within="theta"),
            Replace("v_hat", "m_hat", within="theta"),
            Replace("mean_hat", "v_hat", within="theta"),
        ),
        ("adam", "adamw", "amsgrad"),
    ),
    Variation(
        "moments-share-memory",
        "mistake",
        "both moments are one array",
        "m = v = zeros(...) makes one array under two names, and each update in place changes both. The step divides a "
        "mixture by its own root.",
        "Python: two names for one array; public course code",
        (Replace("v = beta2 * v + X", "v = beta2 * m + X\nm = v"),),
        ("adam", "adamw"),
    ),
    Variation(
        "first-hat-of-second",
        "mistake",
        "the corrected first moment is made of the second",
        "A copied line still reads v. The step then follows squares, which are never negative.",
        "public course code",
        (Replace("m_hat = m / X", "m_hat = v / X"),),
        ("adam", "adamw", "amsgrad"),
    ),
    Variation(
        "second-hat-of-first",
        "mistake",
        "the corrected second moment is made of the first",
        "A copied line still reads m. The root of the mean has no real value where gradients are negative.",
        "public course code",
        (Replace("v_hat = v / X", "v_hat = m / X"),),
        ("adam", "adamw"),
    ),
    Variation(
        "first-from-second",
        "mistake",
        "the first moment remembers the second",
        "A copied line still reads v: old squares are averaged with the new gradient.",
        "public course code",
        (Replace("m = beta1 * m + X", "m = beta1 * v + X"),),
        ("adam", "adamw"),
    ),
    Variation(
        "second-from-first",
        "mistake",
        "the second moment remembers the first",
        "A copied line still reads m: old gradients are averaged with the new square.",
        "public course code",
        (Replace("v = beta2 * v + X", "v = beta2 * m + X"),),
        ("adam", "adamw"),
    ),
    Variation(
        "first-weighted-with-beta2",
        "mistake",
        "the gradient enters the first moment with 1 - beta2",
        "beta1 and 1 - beta1 belong together. With 1 - beta2 the mean is a hundred times too small for usual betas.",
        "public course code",
        (Replace("m = beta1 * m + (1 - beta1) * G", "m = beta1 * m + (1 - beta2) * G"),),
        ("adam", "adamw", "amsgrad", "adamax"),
    ),
    Variation(
        "second-weighted-with-beta1",
        "mistake",
        "the square enters the second moment with 1 - beta1",
        "beta2 and 1 - beta2 belong together. With 1 - beta1 the mean square is a hundred times too large for "
        "usual betas.",
        "public course code",
        (Replace("v = beta2 * v + (1 - beta2) * G", "v = beta2 * v + (1 - beta1) * G"),),
        ("adam", "adamw", "amsgrad"),
    ),
    Variation(
        "first-never-forgets",
        "mistake",
        "beta1 is missing before the old first moment",
        "Nothing is forgotten, so gradients pile up for ever. The step goes on where the first gradients pointed.",
        "public course code",
        (Replace("m = beta1 * m + X", "m = m + X"),),
        (*_CORRECTED, "adamax"),
    ),
    Variation(
        "second-never-forgets",
        "mistake",
        "beta2 is missing before the old second moment",
        "Nothing is forgotten, so squares pile up and steps shrink as AdaGrad's do.",
        "public course code",
        (Replace("v = beta2 * v + X", "v = v + X"),),
        ("adam", "adamw", "amsgrad"),
    ),
    Variation(
        "first-added-to-itself",
        "mistake",
        "the new first moment is added to the old one",
        "+= stands where = belongs. Nothing is forgotten: the mean grows by the factor 1 + beta1 at every step.",
        "public course code",
        (Replace("m = X", "m = m + X"),),
        ("adam", "adamw"),
    ),
    Variation(
        "second-added-to-itself",
        "mistake",
        "the new second moment is added to the old one",
        "+= stands where = belongs. Nothing is forgotten: the mean square grows by the factor 1 + beta2 at every "
        "step, and steps die out.",
        "public course code",
        (Replace("v = X", "v = v + X"),),
        ("adam", "adamw"),
    ),
    Variation(
        "first-starts-at-gradient",
        "mistake",
        "the first moment starts at the first gradient and is corrected all the same",
        "The correction makes up for a start at zero. Started at the first gradient, the average is blown up by "
        "1 / (1 - beta1) at the first step.",
        "pennylane#1929; public course code",
        (Replace("m = beta1 * m + X", "m = np.where(t > 1, beta1 * m + X, g)"),),
        ("adam", "adamw"),
    ),
    Variation(
        "second-starts-at-square",
        "mistake",
        "the second moment starts at the first square and is corrected all the same",
        "The correction makes up for a start at zero. Started at the first square, the first step is sqrt(1 - beta2) "
        "times what it should be.",
        "pennylane#1929; public course code",
        (Replace("v = beta2 * v + X", "v = np.where(t > 1, beta2 * v + X, g**2)"),),
        ("adam", "adamw"),
    ),
    Variation(
        "root-then-corrected",
        "mistake",
        "the root is taken before the correction",
        "sqrt(v) / (1 - beta2**t) stands where sqrt(v / (1 - beta2**t)) belongs. Early steps are sqrt(1 - beta2**t) "
        "times what they should be.",
        "public course code",
        (Replace("np.sqrt(v_hat)", "np.sqrt(v) / (1 - beta2**t)"),),
        ("adam", "adamw"),
    ),
    Variation(
        "folded-root-missing",
        "mistake",
        "the root is missing in the correction of the rate",
        "Folded into the rate, the corrections are sqrt(1 - beta2**t) / (1 - beta1**t). Without the root early steps "
        "are some thirty times too short.",
        "public course code; caffe#4224",
        (Replace("np.sqrt(v_hat) + epsilon", "(np.sqrt(v) + epsilon) / (1 - beta2**t)"),),
        ("adam", "adamw"),
    ),
    Variation(
        "never-counted",
        "mistake",
        "t is never counted",
        "t stays at 1, so every step is corrected as if it were the first.",
        "OLMo-core#317",
        (Replace("t", "1"),),
        ("nadam", "radam", "adan", "ademamix"),
    ),
)

POWERS = (
    Variation(
        "doubled-not-squared",
        "mistake",
        "the gradient is doubled where it is to be squared",
        "g * 2 stands where g ** 2 belongs. Its root has no real value where gradients are negative.",
        "public course code",
        (Replace("g**2", "2 * g"),),
        _SQUARES,
    ),
    Variation(
        "roots-missing",
        "mistake",
        "the roots of the two mean squares are missing",
        "The ratio is of roots. Without them steps have another unit and are far too short at the start.",
        "public course code",
        (Replace("np.sqrt(delta + epsilon) / np.sqrt(s + epsilon)", "(delta + epsilon) / (s + epsilon)"),),
        ("adadelta",),
    ),
    Variation(
        "rate-missing",
        "mistake",
        "the learning rate is missing",
        "The step is as long as if the rate were 1. Whatever is set as the rate changes nothing.",
        "public course code",
        (Replace("learning_rate * X", "X", within="theta"),),
        (
            "gradient_descent", "momentum", "ema_momentum", "adagrad", "rmsprop", "rmsprop_momentum", "adam", "amsgrad",
            "adamax",
        ),
    ),
    Variation(
        "memory-never-forgets",
        "mistake",
        "momentum is missing before the old velocity",
        "Nothing is forgotten, so every gradient acts for ever, as with a momentum of 1.",
        "public course code",
        (Replace("velocity = momentum * velocity + X", "velocity = velocity + X"),),
        ("momentum", "ema_momentum", "nesterov", "rmsprop_momentum"),
    ),
    Variation(
        "square-never-forgets",
        "mistake",
        "rho is missing before the old mean square",
        "Nothing is forgotten, so squares pile up and steps shrink as AdaGrad's do.",
        "public course code",
        (Replace("X = rho * X + (1 - rho) * g**2", "X = X + (1 - rho) * g**2"),),
        ("rmsprop", "rmsprop_momentum", "adadelta"),
    ),
    Variation(
        "decay-through-moments",
        "mistake",
        "the decay passes through the moments",
        "Added to the gradient it is divided by the gradients' scale, as in Adam with L2. Decoupled decay acts on the "
        "parameters beside the step.",
        "Loshchilov and Hutter (2019), section 2; pytorch#38767",
        (Replace("theta = theta - learning_rate * weight_decay * theta", "g = g + weight_decay * theta"),),
        ("adamw", "lion", "adan", "ademamix"),
    ),
)  # fmt: skip

VARIATIONS = (*MOMENTS, *POWERS)
