"""Plausible mistakes, each of which trains well enough: a comparison that lets one of them pass proves nothing.

A mistake has the name of the rule that it gets wrong, two underscores, and what is wrong; its hyperparameters are
those of the rule, or some of them.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import rule


@rule
def nesterov__is_plain_momentum(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.9):
    """Forget the look-ahead."""
    velocity = momentum * velocity + g
    return theta - learning_rate * velocity, velocity


@rule
def momentum__is_averaged(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.9):
    """Average the gradients instead of adding them up."""
    velocity = momentum * velocity + (1 - momentum) * g
    return theta - learning_rate * velocity, velocity


@rule(starts={"s": "initial_accumulator"}, ranges={"initial_accumulator": "[0, inf)"})
def adagrad__has_epsilon_inside(theta, g, t, s, *, learning_rate=0.01, epsilon=1e-10, initial_accumulator=0.0):
    """Move epsilon under the root."""
    s = s + g * g
    return theta - learning_rate * g / np.sqrt(s + epsilon), s


@rule
def rmsprop__has_epsilon_inside(theta, g, t, v, *, learning_rate=1e-3, rho=0.9, epsilon=1e-8):
    """Move epsilon under the root."""
    v = rho * v + (1 - rho) * g * g
    return theta - learning_rate * g / np.sqrt(v + epsilon), v


@rule
def rmsprop__has_its_shares_swapped(theta, g, t, v, *, learning_rate=1e-3, rho=0.9, epsilon=1e-8):
    """Give the past the share of the present."""
    v = (1 - rho) * v + rho * g * g
    return theta - learning_rate * g / (np.sqrt(v) + epsilon), v


@rule
def rmsprop_centered__subtracts_the_mean(theta, g, t, v, m, *, learning_rate=1e-3, rho=0.9, epsilon=1e-8):
    """Forget the square of the mean."""
    v = rho * v + (1 - rho) * g * g
    m = rho * m + (1 - rho) * g
    return theta - learning_rate * g / (np.sqrt(np.maximum(v - m, 0)) + epsilon), v, m


@rule
def adadelta__remembers_too_early(theta, g, t, s, delta, *, learning_rate=1.0, rho=0.9, epsilon=1e-6):
    """Remember the gradient's square where the step's belongs."""
    s = rho * s + (1 - rho) * g * g
    d = np.sqrt((delta + epsilon) / (s + epsilon)) * g
    delta = rho * delta + (1 - rho) * g * g
    return theta - learning_rate * d, s, delta


@rule
def adam__corrects_v_by_beta1(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Correct the second moment with the first one's share."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta1**t)) + epsilon), m, v


@rule
def adam__is_not_corrected(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Leave both corrections out."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * m / (np.sqrt(v) + epsilon), m, v


@rule
def adam__counts_from_zero(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Correct every step, save the first, for one step too few."""
    before = max(t - 1, 1.0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate / (1 - beta1**before) * m / (np.sqrt(v / (1 - beta2**before)) + epsilon), m, v


@rule
def adam__has_epsilon_inside(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Move epsilon under the root."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate / (1 - beta1**t) * m / np.sqrt(v / (1 - beta2**t) + epsilon), m, v


@rule
def adam__adds_epsilon_before_correction(
    theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Take epsilon for the paper's epsilon hat."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t) * m / (np.sqrt(v) + epsilon), m, v


@rule
def adamw__decays_without_the_rate(
    theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01
):
    """Forget to multiply the decay by the rate."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    step = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return theta - weight_decay * theta - learning_rate * step, m, v


@rule
def adamw__decays_after_the_step(
    theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01
):
    """Let the step itself decay too."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    stepped = theta - learning_rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return stepped - learning_rate * weight_decay * stepped, m, v


@rule
def adamax__is_corrected_twice(theta, g, t, m, u, *, learning_rate=2e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Correct the maximum, which needs no correction."""
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g) + epsilon)
    return theta - learning_rate * (1 - beta2**t) / (1 - beta1**t) * m / u, m, u


@rule
def amsgrad__keeps_the_maximum_as_v(
    theta, g, t, m, v, v_max, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Average on from the maximum instead of from the average."""
    m = beta1 * m + (1 - beta1) * g
    v = np.maximum(v, beta2 * v + (1 - beta2) * g * g)
    scale = (1 - beta2**t) ** -0.5
    return theta - learning_rate / (1 - beta1**t) * m / (scale * np.sqrt(v) + epsilon), m, v, v_max


@rule(starts={"product": 1.0}, ranges={"momentum_decay": "[0, inf)"})
def nadam__looks_ahead_with_todays_momentum(
    theta, g, t, m, v, product, *, learning_rate=2e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=4e-3
):
    """Take this step's momentum for the next one's."""
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    product = mu * product
    ahead = mu * m / (1 - mu * product) + (1 - mu) * g / (1 - product)
    return theta - learning_rate * ahead / (np.sqrt(v / (1 - beta2**t)) + epsilon), m, v, product


@rule
def radam__trusts_from_four(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Rectify from the paper's 4 on, where all the libraries wait for 5."""
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    trusted = rho > 4
    r = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5 if trusted else 1.0
    rate = learning_rate / (1 - beta1**t) * (r * (1 - beta2**t) ** 0.5 if trusted else 1.0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - rate * m / (np.sqrt(v) + epsilon if trusted else 1.0), m, v


@rule
def adabelief__believes_the_last_mean(theta, g, t, m, s, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-16):
    """Measure the surprise against the mean that lacks this gradient."""
    surprise = g - m
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * surprise * surprise + epsilon
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(s / (1 - beta2**t)) + epsilon), m, s


@rule(
    starts={"m": "initial_accumulator", "v": "initial_accumulator"},
    ranges={"initial_accumulator": "[0, inf)"},
)
def yogi__has_its_sign_turned(
    theta, g, t, m, v, *, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-3, initial_accumulator=1e-6
):
    """Move the mean square away from the new square."""
    m = beta1 * m + (1 - beta1) * g
    v = np.abs(v + (1 - beta2) * np.sign(v - g * g) * g * g)
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + epsilon), m, v


@rule
def lion__has_its_betas_swapped(theta, g, t, m, *, learning_rate=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Read with the memory's share and remember with the step's."""
    c = beta2 * m + (1 - beta2) * g
    m = beta1 * m + (1 - beta1) * g
    return theta - learning_rate * weight_decay * theta - learning_rate * np.sign(c), m


@rule
def lion__remembers_before_it_steps(theta, g, t, m, *, learning_rate=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Step from the memory that holds this gradient already."""
    m = beta2 * m + (1 - beta2) * g
    c = beta1 * m + (1 - beta1) * g
    return theta - learning_rate * weight_decay * theta - learning_rate * np.sign(c), m


@rule
def signum__is_the_sign_of_the_gradient(theta, g, t, m, *, learning_rate=1e-3, momentum=0.9):
    """Average signs instead of taking the average's sign."""
    m = momentum * m + (1 - momentum) * np.sign(g)
    return theta - learning_rate * np.sign(m), m


@rule(
    starts={"step": "initial_step"},
    ranges={
        "initial_step": "(0, inf)",
        "eta_minus": "(0, 1)",
        "eta_plus": "(1, inf)",
        "min_step": "[0, inf)",
        "max_step": "(0, inf)",
    },
)
def rprop__does_not_rest(
    theta, g, t, previous, step, *, initial_step=0.1, eta_minus=0.5, eta_plus=1.2, min_step=1e-6, max_step=50.0
):
    """Step on after a change of sign."""
    agreement = np.sign(g) * np.sign(previous)
    step = np.where(agreement > 0, eta_plus * step, np.where(agreement < 0, eta_minus * step, step))
    step = np.minimum(np.maximum(step, min_step), max_step)
    return theta - np.sign(g) * step, g, step


@rule(
    starts={"n": "initial_accumulator"},
    ranges={"beta": "[0, inf)", "l1": "[0, inf)", "l2": "[0, inf)", "initial_accumulator": "[0, inf)"},
)
def ftrl__counts_l1_twice(theta, g, t, z, n, *, learning_rate=0.1, beta=1.0, l1=0.0, l2=0.0, initial_accumulator=0.0):
    """Shrink by l1 what l1 has clipped."""
    n_next = n + g * g
    z = z + g - (np.sqrt(n_next) - np.sqrt(n)) / learning_rate * theta
    beyond = z - np.minimum(np.maximum(z, -2 * l1), 2 * l1)
    return -learning_rate * beyond / (beta + np.sqrt(n_next) + learning_rate * l2), z, n_next


@rule
def laprop__averages_first(theta, g, t, m, n, *, learning_rate=4e-4, beta1=0.9, beta2=0.999, epsilon=1e-15):
    """Average first and divide then, which is Adam."""
    n = beta2 * n + (1 - beta2) * g * g
    m = beta1 * m + (1 - beta1) * g
    return theta - learning_rate / (1 - beta1**t) * m / (np.sqrt(n / (1 - beta2**t)) + epsilon), m, n


@rule
def ademamix__corrects_the_slow_mean(
    theta,
    g,
    t,
    m1,
    m2,
    nu,
    *,
    learning_rate=1e-3,
    beta1=0.9,
    beta2=0.999,
    beta3=0.9999,
    alpha=5.0,
    epsilon=1e-8,
    weight_decay=0.0,
):
    """Correct the slow mean for its start as well."""
    m1 = beta1 * m1 + (1 - beta1) * g
    m2 = beta3 * m2 + (1 - beta3) * g
    nu = beta2 * nu + (1 - beta2) * g * g
    mean = m1 / (1 - beta1**t) + alpha * m2 / (1 - beta3**t)
    step = mean / (np.sqrt(nu / (1 - beta2**t)) + epsilon)
    return theta - learning_rate * (weight_decay * theta + step), m1, m2, nu
