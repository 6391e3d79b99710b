"""Conventions around a rule, and where its memory starts: clipping, rates that fall, averages that start elsewhere."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import First, Replace
from thalweg.check.catalogue.variation import Variation

# ``now`` is the number of the step, however wrongly the code counts its ``t``: schedules have a counter of their own.
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
        "clipped-by-norm",
        "convention",
        "gradients are clipped by their norm",
        "Where the norm of the whole gradient is larger than max_norm, it is made as long as that. The direction "
        "stays.",
        "Pascanu et al. (2013), Algorithm 1; torch.nn.utils.clip_grad_norm_",
        (First("g = g * np.minimum(1, max_norm / np.sqrt(total_sum(g**2)))"),),
        (*_SEEDS, "adamw"),
        MappingProxyType({"max_norm": 1.0}),
    ),
    Variation(
        "arrays-clipped-by-norm",
        "convention",
        "each array's gradient is clipped by its norm",
        "Where the norm of one array's gradient is larger than max_norm, it is made as long as that. Arrays keep their "
        "directions, the whole gradient does not.",
        "Keras (clipnorm)",
        (First("g = g * np.minimum(1, max_norm / np.sqrt(array_sum(g**2)))"),),
        (*_SEEDS, "adamw"),
        MappingProxyType({"max_norm": 1.0}),
        several_arrays=True,
    ),
    Variation(
        "falling-rate",
        "convention",
        "the rate falls with the steps",
        "PyTorch's Adagrad and the older Keras divide the rate by 1 + (t - 1) * lr_decay; that is a schedule.",
        "torch.optim.Adagrad(lr_decay=...)",
        (Replace("learning_rate", "learning_rate / (1 + (now - 1) * lr_decay)"),),
        _SEEDS,
        MappingProxyType({"lr_decay": 0.01}),
        last=True,
    ),
    Variation(
        "falling-rate-at-once",
        "convention",
        "the rate falls from the first step on",
        "The first step divides the rate by 1 + lr_decay already, where others begin with the whole rate. That is a "
        "schedule.",
        "public course code (lr / (1 + decay * t), t from 1)",
        (Replace("learning_rate", "learning_rate / (1 + now * lr_decay)"),),
        _SEEDS,
        MappingProxyType({"lr_decay": 0.01}),
        last=True,
    ),
    Variation(
        "decaying-rate",
        "convention",
        "the rate is multiplied by a factor at each step",
        "The rate shrinks by the same share at every update. That is a schedule.",
        "torch.optim.lr_scheduler.ExponentialLR, stepped with each update",
        (Replace("learning_rate", "learning_rate * rate_decay**(now - 1)"),),
        _SEEDS,
        MappingProxyType({"rate_decay": 0.95}),
        last=True,
    ),
    Variation(
        "decaying-rate-at-once",
        "convention",
        "the rate is multiplied by a factor from the first step on",
        "The first step has the factor already, where others begin with the whole rate. That is a schedule.",
        "public course code (lr *= decay before the step)",
        (Replace("learning_rate", "learning_rate * rate_decay**now"),),
        _SEEDS,
        MappingProxyType({"rate_decay": 0.95}),
        last=True,
    ),
    Variation(
        "falling-rate-kept",
        "mistake",
        "the rate that fell is kept as the rate",
        "1 / (1 + t * lr_decay) is what the first rate is to be multiplied with. Written back, every step multiplies "
        "what is left, and the rate falls faster than any power of t.",
        "public course code (self.lr *= 1 / (1 + self.decay * self.iterations))",
        (
            Replace("learning_rate", "learning_rate / fallen"),
            First("fallen = fallen * (1 + (now - 1) * lr_decay)"),
        ),
        _SEEDS,
        MappingProxyType({"lr_decay": 0.01}),
        MappingProxyType({"fallen": 1.0}),
        last=True,
    ),
    Variation(
        "rate-over-root",
        "convention",
        "the rate falls with the root of t",
        "The rate is divided by sqrt(t), for which the proofs of convergence are made. That is a schedule.",
        "Kingma and Ba (2015), section 4; Zinkevich (2003)",
        (Replace("learning_rate", "learning_rate / np.sqrt(now)", within="theta"),),
        _SEEDS,
    ),
    Variation(
        "average-starts-at-gradient",
        "convention",
        "the average starts at the first gradient",
        "Started at the first gradient and not at zero, the average needs no correction.",
        "public code; Optax ema and Polyak averages are started so at times",
        (Replace("velocity = momentum * velocity + X", "velocity = np.where(now > 1, momentum * velocity + X, g)"),),
        ("ema_momentum",),
    ),
    Variation(
        "mean-square-starts-at-square",
        "convention",
        "the mean square starts at the first square",
        "Started at the first square and not at zero, RMSprop takes no long first steps.",
        "public code",
        (Replace("v = rho * v + X", "v = np.where(now > 1, rho * v + X, g**2)"),),
        ("rmsprop",),
    ),
    Variation(
        "averages-start-at-gradient",
        "convention",
        "both averages start at the first gradient",
        "Started at the first gradient and its square, and not at zero, the averages need no correction.",
        "MatrixSlow#28",
        (
            Replace("m = beta1 * m + X", "m = np.where(now > 1, beta1 * m + X, g)"),
            Replace("v = beta2 * v + X", "v = np.where(now > 1, beta2 * v + X, g**2)"),
            Replace("m_hat = X", "m_hat = m"),
            Replace("v_hat = X", "v_hat = v"),
        ),
        ("adam", "adamw"),
    ),
    Variation(
        "mean-square-starts-at-one",
        "convention",
        "the mean square starts at one",
        "TensorFlow's first RMSprop started so, and first steps are shorter than from zero.",
        "tf.compat.v1.train.RMSPropOptimizer",
        (Replace("v = rho * v + X", "v = np.where(now > 1, rho * v + X, rho + X)"),),
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
