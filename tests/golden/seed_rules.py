"""Rules as the seeds write them where that is another convention, or a mistake: users' rules like any other."""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import loss, rule


@rule
def adagrad_epsilon_inside(theta, g, t, s, *, learning_rate=0.1, epsilon=1e-6):
    s = s + g * g
    return theta - learning_rate * g / np.sqrt(s + epsilon), s


@rule
def adam_as_printed(theta, g, t, m, v, *, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * (m / (1 - beta1**t)) / np.sqrt(v / (1 - beta1**t) + epsilon), m, v


@rule
def adam_epsilon_inside(theta, g, t, m, v, *, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * (m / (1 - beta1**t)) / np.sqrt(v / (1 - beta2**t) + epsilon), m, v


@loss
def square(y, z):
    """Squared error with the factor 2 kept in its derivative."""
    r = z - y
    return r * r, 2 * r
