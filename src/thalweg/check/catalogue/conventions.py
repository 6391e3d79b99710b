"""Conventions: the same rule as others write it. None of them is a reason to change the code."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import Either, First, Perhaps, Replace
from thalweg.check.catalogue.variation import Variation

_WITHOUT_DECAY = (
    "gradient_descent", "signsgd", "momentum", "ema_momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam",
    "adamax", "amsgrad", "nadam", "signum", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum",
    "radam", "adabelief", "yogi",
)  # fmt: skip
_DECOUPLED = tuple(name for name in _WITHOUT_DECAY if name != "adam")
_DECAY = "theta = theta - learning_rate * weight_decay * theta"

EPSILON = (
    Variation(
        "epsilon-inside-root",
        "convention",
        "epsilon is inside the root",
        "sqrt(v + epsilon) stands where Adam's paper has sqrt(v) + epsilon. The same number then guards ten thousand "
        "times more: 1e-8 inside is 1e-4 outside.",
        "seed 002; AdaGrad and AdaDelta in their papers; Keras RMSprop; pytorch#26735",
        (Replace("np.sqrt(X) + epsilon", "np.sqrt(X + epsilon)"),),
    ),
    Variation(
        "epsilon-hat",
        "convention",
        "epsilon is added before the correction",
        "The paper's section 2 calls it epsilon hat: the root of the uncorrected moment plus epsilon, with the "
        "corrections folded into the rate. It is epsilon / sqrt(1 - beta2**t) in the usual place.",
        "Keras, River, scikit-learn; keras#17391, tensorflow#9047, caffe#4224",
        (Replace("np.sqrt(v_hat) + epsilon", "np.sqrt(v_hat) + epsilon / np.sqrt(1 - beta2**t)"),),
        ("adam", "adamw", "amsgrad", "nadam", "adabelief", "yogi"),
        form=True,
    ),
    Variation(
        "epsilon-hat-inside-root",
        "convention",
        "epsilon is inside the root and before the correction",
        "sqrt(v + epsilon) with the corrections folded into the rate. Early steps feel epsilon more.",
        "public course code",
        (Replace("np.sqrt(v_hat) + epsilon", "np.sqrt(v_hat + epsilon / (1 - beta2**t))"),),
        ("adam", "adamw", "amsgrad"),
        form=True,
    ),
    Variation(
        "epsilon-outside-root",
        "convention",
        "epsilon is outside the roots",
        "AdaDelta's paper has epsilon inside both roots. Outside, the first steps are a thousand times shorter for the "
        "same number.",
        "public course code",
        (
            Replace(
                "np.sqrt(delta + epsilon) / np.sqrt(s + epsilon)",
                "(np.sqrt(delta) + epsilon) / (np.sqrt(s) + epsilon)",
            ),
        ),
        ("adadelta",),
    ),
    Variation(
        "epsilon-twice",
        "convention",
        "a second epsilon is inside the root",
        "Optax calls it eps_root; it keeps derivatives through the step finite.",
        "Optax",
        (Replace("np.sqrt(X) + epsilon", "np.sqrt(X + epsilon_root) + epsilon"),),
        ("adam", "adamw", "amsgrad", "adabelief", "nadam", "yogi"),
        MappingProxyType({"epsilon_root": 1e-8}),
    ),
    Variation(
        "epsilon-as-floor",
        "convention",
        "epsilon is the least value of the denominator",
        "max(root, epsilon) stands where root + epsilon belongs. Both guard the division; they differ where gradients "
        "are about as large as epsilon.",
        "public code",
        (Replace("np.sqrt(X) + epsilon", "np.maximum(np.sqrt(X), epsilon)"),),
        ("adagrad", "rmsprop", "adam", "adamw"),
    ),
    Variation(
        "epsilon-beside-maximum",
        "convention",
        "epsilon is added to the maximum when it divides",
        "The paper has no epsilon, PyTorch adds it to the gradient that enters the maximum.",
        "Keras Adamax",
        (
            Replace("np.abs(g) + epsilon", "np.abs(g)"),
            Replace("learning_rate * m_hat / u", "learning_rate * m_hat / (u + epsilon)"),
        ),
        ("adamax",),
    ),
    Variation(
        "epsilon-added-to-maximum",
        "convention",
        "epsilon is added to the maximum that is kept",
        "The maximum of the two has epsilon added before it is kept, so that it piles up a little where the gradient "
        "stays small.",
        "public course code",
        (Replace("np.maximum(A, np.abs(g) + epsilon)", "np.maximum(A, np.abs(g)) + epsilon"),),
        ("adamax",),
    ),
    Variation(
        "epsilon-in-rectified",
        "convention",
        "epsilon is added after the correction",
        "PyTorch's RAdam adds it to the uncorrected root.",
        "Optax RAdam",
        (
            Replace(
                "rectifier * np.sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + epsilon)",
                "rectifier * m_hat / (np.sqrt(v / (1 - beta2**t)) + epsilon)",
            ),
        ),
        ("radam",),
    ),
    Variation(
        "epsilon-not-remembered",
        "convention",
        "epsilon does not enter the average",
        "AdaBelief's paper adds epsilon to the average at every step; many leave it out, which hardly shows at 1e-16.",
        "public code",
        (Replace("X + epsilon", "X", within="v"),),
        ("adabelief",),
    ),
    Variation(
        "epsilon-root-remembered",
        "convention",
        "another epsilon enters the average",
        "Optax has two: eps_root enters AdaBelief's average, eps is added to the root.",
        "Optax AdaBelief",
        (Replace("X + epsilon", "X + epsilon_root", within="v"),),
        ("adabelief",),
        MappingProxyType({"epsilon_root": 1e-16}),
    ),
)

VELOCITY = (
    Variation(
        "rate-in-velocity",
        "convention",
        "the rate is inside the velocity",
        "velocity <- momentum * velocity + rate * g, as Sutskever writes it. The path is the same while the rate is "
        "constant; when it changes, old gradients keep their old rate.",
        "Sutskever et al. (2013); Keras; pytorch#1099",
        (
            Either(
                (
                    Replace("velocity = A * velocity + X", "velocity = A * velocity + learning_rate * (X)"),
                    Replace("velocity = velocity + X", "velocity = velocity + learning_rate * (X)"),
                )
            ),
            Replace("theta = theta - learning_rate * X", "theta = theta - X"),
            Perhaps(Replace("g", "learning_rate * g", within="theta")),
        ),
        ("momentum", "ema_momentum", "rmsprop_momentum", "rmsprop_centered_momentum"),
        form=True,
    ),
    Variation(
        "rate-in-look-ahead",
        "convention",
        "the rate is inside Nesterov's velocity",
        "Keras and Sutskever keep the rate in the velocity. The path is the same while the rate is constant.",
        "Sutskever et al. (2013); Keras; cs231n notes",
        (
            Replace("velocity = momentum * velocity + X", "velocity = momentum * velocity + learning_rate * (X)"),
            Replace("theta = theta - learning_rate * X", "theta = theta - X"),
            Perhaps(Replace("g", "learning_rate * g", within="theta")),
        ),
        ("nesterov",),
        form=True,
    ),
    Variation(
        "dampened",
        "convention",
        "gradients are dampened, all but the first",
        "PyTorch's dampening shrinks what enters the velocity, but the first gradient enters whole.",
        "torch.optim.SGD(dampening=...)",
        (
            Replace(
                "velocity = momentum * velocity + g",
                "velocity = momentum * velocity + np.where(now > 1, 1 - dampening, 1) * g",
            ),
        ),
        ("momentum", "nesterov"),
        MappingProxyType({"dampening": 0.9}),
        form=True,
    ),
    Variation(
        "velocity-corrected",
        "convention",
        "the average of gradients is corrected for its start",
        "The velocity is divided by 1 - momentum**t, as Adam does. Plain momentum has short first steps instead.",
        "d2l and Coursera notes",
        (Replace("velocity", "velocity / (1 - momentum**t)", within="theta"),),
        ("ema_momentum",),
    ),
    Variation(
        "nesterov-of-average",
        "convention",
        "the look-ahead is taken of an average",
        "The velocity is the average (1 - momentum) * g + momentum * velocity. The rate is 1 / (1 - momentum) times "
        "that of the usual form.",
        "MXNet; public code",
        (
            Replace("velocity = momentum * velocity + g", "velocity = momentum * velocity + (1 - momentum) * g"),
            Replace("g + momentum * velocity", "(1 - momentum) * g + momentum * velocity"),
        ),
        ("nesterov",),
        form=True,
    ),
)

DECAY = (
    Variation(
        "l2-in-gradient",
        "convention",
        "the decay is added to the gradient",
        "That is an L2 penalty of half weight_decay times the squares. In adaptive rules it passes through the moments "
        "and is not the decoupled decay of AdamW.",
        "torch.optim (weight_decay); pytorch#38767",
        (First("g = g + weight_decay * theta"),),
        _WITHOUT_DECAY,
        MappingProxyType({"weight_decay": 0.01}),
    ),
    Variation(
        "decoupled-decay",
        "convention",
        "parameters decay beside the step",
        "theta shrinks by rate times weight_decay, untouched by moments or velocity, as in AdamW.",
        "Loshchilov and Hutter (2019); Keras (weight_decay)",
        (First(_DECAY),),
        _DECOUPLED,
        MappingProxyType({"weight_decay": 0.01}),
    ),
    Variation(
        "decay-without-rate",
        "convention",
        "the decay is not multiplied by the rate",
        "The paper's algorithm has no rate there, PyTorch, Keras and Optax have. The same number decays a thousand "
        "times more at a rate of 0.001.",
        "Loshchilov and Hutter (2019), Algorithm 2; Odyssey#5674; apex#1849; lion-pytorch#39",
        (Replace(_DECAY, "theta = theta - weight_decay * theta"),),
        ("adamw", "lion", "adan", "ademamix", *_DECOUPLED),
        form=True,
    ),
)

LOOK_AHEAD = (
    Variation(
        "gradient-taken-ahead",
        "convention",
        "the gradient is to be taken ahead",
        "The step is heavy ball's. It is Nesterov's where the caller takes the gradient at theta - rate * momentum * "
        "velocity, and heavy ball where it is taken at theta.",
        "Sutskever et al. (2013), equations 3 and 4; pytorch#5920; course code",
        (Replace("g + momentum * velocity", "velocity"),),
        ("nesterov",),
        form=True,
    ),
)

VARIATIONS = (*EPSILON, *VELOCITY, *LOOK_AHEAD, *DECAY)
