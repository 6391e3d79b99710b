"""Where a library steps differently from our rule of that name: its convention, written as a user rule.

Each docstring says the difference in one sentence. The rules are written as anybody outside the project would write
theirs, so they also prove that a stranger's rule runs like a built-in one.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import rule

# ---- decay and rate --------------------------------------------------------------------------------------------


@rule
def gradient_descent_with_l2(theta, g, t, *, learning_rate=1e-3, weight_decay=0.0):
    """PyTorch's ``SGD(weight_decay=...)`` adds the decay to the gradient; here that is a penalty, ``l2``."""
    return theta - learning_rate * (g + weight_decay * theta)


@rule
def adam_with_l2(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    """PyTorch's ``Adam(weight_decay=...)`` passes the decay through the moments; here it is ``adamw`` or ``l2``."""
    slope = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * slope
    v = beta2 * v + (1 - beta2) * slope * slope
    scale = (1 - beta2**t) ** -0.5
    return theta - learning_rate / (1 - beta1**t) * m / (scale * np.sqrt(v) + epsilon), m, v


@rule(ranges={"dampening": "[0, 1)"})
def dampened_momentum(theta, g, t, velocity, *, learning_rate=1e-3, momentum=0.9, dampening=0.0):
    """PyTorch's ``dampening`` shrinks every gradient that enters the velocity, except the first."""
    share = 1.0 if t == 1 else 1 - dampening
    velocity = momentum * velocity + share * g
    return theta - learning_rate * velocity, velocity


@rule(ranges={"lr_decay": "[0, inf)"})
def adagrad_with_falling_rate(theta, g, t, s, *, learning_rate=1e-2, lr_decay=0.0, epsilon=1e-10):
    """PyTorch's ``Adagrad(lr_decay=...)`` divides the rate by 1 + (t - 1) lr_decay; here that is a schedule."""
    rate = learning_rate / (1 + (t - 1) * lr_decay)
    s = s + g * g
    return theta - rate * g / (np.sqrt(s) + epsilon), s


# ---- the place of epsilon --------------------------------------------------------------------------------------


@rule(starts={"s": "initial_accumulator"}, ranges={"initial_accumulator": "[0, inf)"})
def adagrad_epsilon_inside(theta, g, t, s, *, learning_rate=1e-3, initial_accumulator=0.1, epsilon=1e-7):
    """Keras and Optax have epsilon inside the root."""
    s = s + g * g
    return theta - learning_rate * g / np.sqrt(s + epsilon), s


@rule
def rmsprop_epsilon_inside(theta, g, t, v, *, learning_rate=1e-3, rho=0.9, epsilon=1e-7):
    """Keras and, unless told otherwise, Optax have epsilon inside the root."""
    v = rho * v + (1 - rho) * g * g
    return theta - learning_rate * g / np.sqrt(v + epsilon), v


@rule
def rmsprop_momentum_epsilon_inside(
    theta, g, t, v, velocity, *, learning_rate=1e-3, rho=0.9, momentum=0.0, epsilon=1e-7
):
    """Keras and Optax have epsilon inside the root and the rate inside the velocity."""
    v = rho * v + (1 - rho) * g * g
    velocity = momentum * velocity + learning_rate * g / np.sqrt(v + epsilon)
    return theta - velocity, v, velocity


@rule
def rmsprop_centered_epsilon_inside(theta, g, t, v, mean, *, learning_rate=1e-3, rho=0.9, epsilon=1e-7):
    """Keras and Optax have epsilon inside the root, beside the variance."""
    v = rho * v + (1 - rho) * g * g
    mean = rho * mean + (1 - rho) * g
    return theta - learning_rate * g / np.sqrt(v - mean * mean + epsilon), v, mean


@rule
def rmsprop_centered_momentum_epsilon_inside(
    theta, g, t, v, mean, velocity, *, learning_rate=1e-3, rho=0.9, momentum=0.0, epsilon=1e-7
):
    """Keras and Optax have epsilon inside the root, beside the variance, and the rate inside the velocity."""
    v = rho * v + (1 - rho) * g * g
    mean = rho * mean + (1 - rho) * g
    velocity = momentum * velocity + learning_rate * g / np.sqrt(v - mean * mean + epsilon)
    return theta - velocity, v, mean, velocity


@rule
def adam_epsilon_hat(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7):
    """Keras adds epsilon to the root before its bias is corrected, the "epsilon hat" of the paper's section 2."""
    rate = learning_rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - rate * m / (np.sqrt(v) + epsilon), m, v


@rule
def adamw_epsilon_hat(
    theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7, weight_decay=4e-3
):
    """Keras adds epsilon to the root before its bias is corrected, in AdamW as in Adam."""
    rate = learning_rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * weight_decay * theta - rate * m / (np.sqrt(v) + epsilon), m, v


@rule(ranges={"epsilon_root": "[0, inf)"})
def adam_two_epsilons(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_root=0.0):
    """Optax has a second epsilon inside the root, ``eps_root``, zero unless asked for."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mean, square = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - learning_rate * mean / (np.sqrt(square + epsilon_root) + epsilon), m, v


@rule
def adamax_epsilon_outside(theta, g, t, m, u, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7):
    """Keras adds epsilon to the maximum when it divides, not to the gradient that enters it."""
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g))
    return theta - learning_rate / (1 - beta1**t) * m / (u + epsilon), m, u


@rule
def radam_epsilon_corrected(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Optax adds epsilon to the root after its bias is corrected."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    known = length >= 5
    far = max(length, 5.0)
    rectifier = ((far - 4) * (far - 2) * longest / ((longest - 4) * (longest - 2) * far)) ** 0.5
    rate = learning_rate / (1 - beta1**t) * (rectifier if known else 1.0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - rate * m / (np.sqrt(v / (1 - beta2**t)) + epsilon if known else 1.0), m, v


@rule(ranges={"epsilon_root": "[0, inf)"})
def adabelief_two_epsilons(
    theta, g, t, m, s, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-16, epsilon_root=1e-16
):
    """Optax has two epsilons: ``eps_root`` enters the average at every step, ``eps`` is added to the root."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g - m) * (g - m) + epsilon_root
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(s / (1 - beta2**t)) + epsilon), m, s


# ---- the same name for another rule ----------------------------------------------------------------------------


@rule
def amsgrad_corrected_before_maximum(
    theta, g, t, m, v, largest, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Optax takes the maximum of the corrected second moments."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    largest = np.maximum(largest, v / (1 - beta2**t))
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(largest) + epsilon), m, v, largest


@rule
def amsgrad_epsilon_hat(theta, g, t, m, v, largest, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7):
    """Keras adds epsilon to the root of the maximum before its bias is corrected."""
    rate = learning_rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    largest = np.maximum(largest, v)
    return theta - rate * m / (np.sqrt(largest) + epsilon), m, v, largest


@rule
def nadam_constant(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Optax looks ahead with a constant beta1; the paper, PyTorch and Keras let it rise from half of beta1."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mean = beta1 / (1 - beta1 ** (t + 1)) * m + (1 - beta1) / (1 - beta1**t) * g
    return theta - learning_rate * mean / (np.sqrt(v / (1 - beta2**t)) + epsilon), m, v


@rule(
    starts={"size": "initial_step"},
    ranges={
        "initial_step": "(0, inf)",
        "eta_minus": "(0, 1)",
        "eta_plus": "(1, inf)",
        "min_step": "[0, inf)",
        "max_step": "(0, inf)",
    },
)
def rprop_one_step_late(
    theta, g, t, size, waiting, *, initial_step=1e-3, eta_minus=0.5, eta_plus=1.2, min_step=1e-6, max_step=50.0
):
    """Optax returns the step it kept at the update before (none when the sign turns), so it walks one update late."""
    turn = g * waiting
    size = np.where(turn > 0, np.minimum(size * eta_plus, max_step), size)
    size = np.where(turn < 0, np.maximum(size * eta_minus, min_step), size)
    step = np.where(turn < 0, 0.0, waiting)
    waiting = np.where(turn < 0, 0.0, size * np.sign(g))
    return theta - step, size, waiting


@rule(ranges={"epsilon_root": "[0, inf)"})
def adan_small_change(
    theta,
    g,
    t,
    m,
    v,
    n,
    last,
    *,
    learning_rate=1e-3,
    beta1=0.98,
    beta2=0.92,
    beta3=0.99,
    epsilon=1e-8,
    epsilon_root=1e-8,
    weight_decay=0.0,
):
    """Optax weighs the gradient's change by 1 - b2 = 0.08; in the paper and the authors' code the weight is 0.92."""
    change = (0.0 if t == 1 else 1.0) * (g - last)
    ahead = g + (1 - beta2) * change
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * change
    n = beta3 * n + (1 - beta3) * ahead * ahead
    mean = m / (1 - beta1**t) + (1 - beta2) / (1 - beta2**t) * v
    step = mean / (np.sqrt(n / (1 - beta3**t) + epsilon_root) + epsilon)
    return theta - learning_rate * (step + weight_decay * theta), m, v, n, g


@rule(
    starts={"n": "initial_accumulator"},
    ranges={
        "power": "[0, inf)",
        "initial_accumulator": "[0, inf)",
        "l1": "[0, inf)",
        "l2": "[0, inf)",
        "shrinkage": "[0, inf)",
        "beta": "[0, inf)",
    },
)
def ftrl_with_shrinkage(
    theta,
    g,
    t,
    z,
    n,
    *,
    learning_rate=1e-3,
    power=0.5,
    initial_accumulator=0.1,
    l1=0.0,
    l2=0.0,
    shrinkage=0.0,
    beta=0.0,
):
    """Keras counts ``l2`` twice, has a second decay that acts on the gradient, and any power of the sum for a root."""
    total = n + g * g
    sigma = (total**power - n**power) / learning_rate
    z = z + g + 2 * shrinkage * theta - sigma * theta
    slope = (total**power + beta) / learning_rate + 2 * l2
    return (np.maximum(np.minimum(z, l1), -l1) - z) / slope, z, total
