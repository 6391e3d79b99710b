"""The rules as textbooks print them: one statement for one thought, so that a mistake is the change of one of them.

The library's own formulas group their scalars for speed; here the corrected moments have lines and names of their own,
as in the papers and in what people write by hand. A test holds that both do the same.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import final

from thalweg.formulas import rules as _rules
from thalweg.formulas.formula import Rule


@final
@dataclass(frozen=True)
class Textbook:
    """A rule's statements in the textbook's form.

    Parameters
    ----------
    name : str
        As the library calls it.
    statements : str
        One assignment per line; what ``theta`` and the slots are after the last one is the step.
    slots : tuple of str
        Memory, which starts at zero.
    numbers : mapping
        Hyperparameters and their usual values.
    starts : mapping
        Slots that start elsewhere: a number, or the name of a hyperparameter.
    """

    name: str
    statements: str
    slots: tuple[str, ...]
    numbers: Mapping[str, float]
    starts: Mapping[str, float | str]

    @cached_property
    def tree(self) -> tuple[ast.stmt, ...]:
        """The syntax trees of the statements, shared by all that is made of them."""
        return tuple(ast.parse(self.statements).body)


_MEAN = "m = beta1 * m + (1 - beta1) * g"
_SQUARE = "v = beta2 * v + (1 - beta2) * g**2"
_M_HAT = "m_hat = m / (1 - beta1**t)"
_V_HAT = "v_hat = v / (1 - beta2**t)"
_ADAM = "theta = theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)"
_DECAY = "theta = theta - learning_rate * weight_decay * theta"
_RMS = "v = rho * v + (1 - rho) * g**2"
_RMS_MEAN = "m = rho * m + (1 - rho) * g"
_RMS_VARIANCE = "variance = np.maximum(v - m**2, 0)"
_EMA = "velocity = momentum * velocity + (1 - momentum) * g"
_HEAVY = "velocity = momentum * velocity + g"
_STEP = "theta = theta - learning_rate * velocity"

# In the order in which an explanation is preferred: the simpler rule first.
_TEXTS: dict[str, tuple[str, ...]] = {
    "gradient_descent": ("theta = theta - learning_rate * g",),
    "signsgd": ("theta = theta - learning_rate * np.sign(g)",),
    "momentum": (_HEAVY, _STEP),
    "ema_momentum": (_EMA, _STEP),
    "nesterov": (_HEAVY, "theta = theta - learning_rate * (g + momentum * velocity)"),
    "adagrad": ("s = s + g**2", "theta = theta - learning_rate * g / (np.sqrt(s) + epsilon)"),
    "rmsprop": (_RMS, "theta = theta - learning_rate * g / (np.sqrt(v) + epsilon)"),
    "adadelta": (
        "s = rho * s + (1 - rho) * g**2",
        "d = np.sqrt(delta + epsilon) / np.sqrt(s + epsilon) * g",
        "delta = rho * delta + (1 - rho) * d**2",
        "theta = theta - learning_rate * d",
    ),
    "adam": (_MEAN, _SQUARE, _M_HAT, _V_HAT, _ADAM),
    "adamw": (_DECAY, _MEAN, _SQUARE, _M_HAT, _V_HAT, _ADAM),
    "adamax": (
        _MEAN,
        "u = np.maximum(beta2 * u, np.abs(g) + epsilon)",
        _M_HAT,
        "theta = theta - learning_rate * m_hat / u",
    ),
    "amsgrad": (
        _MEAN,
        _SQUARE,
        "v_max = np.maximum(v_max, v)",
        _M_HAT,
        "v_hat = v_max / (1 - beta2**t)",
        _ADAM,
    ),
    "nadam": (
        "mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))",
        "mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))",
        "product = mu * product",
        _MEAN,
        _SQUARE,
        "m_hat = mu_next * m / (1 - mu_next * product) + (1 - mu) * g / (1 - product)",
        _V_HAT,
        _ADAM,
    ),
    "signum": ("m = momentum * m + (1 - momentum) * g", "theta = theta - learning_rate * np.sign(m)"),
    "lion": (
        _DECAY,
        "c = beta1 * m + (1 - beta1) * g",
        "m = beta2 * m + (1 - beta2) * g",
        "theta = theta - learning_rate * np.sign(c)",
    ),
    "rmsprop_momentum": (_RMS, "velocity = momentum * velocity + g / (np.sqrt(v) + epsilon)", _STEP),
    "rmsprop_centered": (
        _RMS,
        _RMS_MEAN,
        _RMS_VARIANCE,
        "theta = theta - learning_rate * g / (np.sqrt(variance) + epsilon)",
    ),
    "rmsprop_centered_momentum": (
        _RMS,
        _RMS_MEAN,
        _RMS_VARIANCE,
        "velocity = momentum * velocity + g / (np.sqrt(variance) + epsilon)",
        _STEP,
    ),
    "radam": (
        "rho_inf = 2 / (1 - beta2) - 1",
        "length = rho_inf - 2 * t * beta2**t / (1 - beta2**t)",
        "known = length > 5",
        "far = np.maximum(length, 5)",
        "rectifier = np.sqrt((far - 4) * (far - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * far))",
        _MEAN,
        _SQUARE,
        _M_HAT,
        "scaled = rectifier * np.sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + epsilon)",
        "theta = theta - learning_rate * np.where(known, scaled, m_hat)",
    ),
    "adabelief": (
        _MEAN,
        "v = beta2 * v + (1 - beta2) * (g - m)**2 + epsilon",
        _M_HAT,
        _V_HAT,
        _ADAM,
    ),
    "yogi": (_MEAN, "v = v - (1 - beta2) * np.sign(v - g**2) * g**2", _M_HAT, _V_HAT, _ADAM),
    "laprop": (
        _SQUARE,
        _V_HAT,
        "m = beta1 * m + (1 - beta1) * g / (np.sqrt(v_hat) + epsilon)",
        _M_HAT,
        "theta = theta - learning_rate * m_hat",
    ),
    "rprop": (
        "agreement = np.sign(g) * np.sign(previous)",
        "step = np.where(agreement > 0, eta_plus * step, np.where(agreement < 0, eta_minus * step, step))",
        "step = np.minimum(np.maximum(step, min_step), max_step)",
        "previous = np.where(agreement < 0, 0 * g, g)",
        "theta = theta - np.sign(previous) * step",
    ),
    "ftrl": (
        "before = np.sqrt(n)",
        "n = n + g**2",
        "z = z + g - (np.sqrt(n) - before) / learning_rate * theta",
        "beyond = z - np.minimum(np.maximum(z, -l1), l1)",
        "theta = -learning_rate * beyond / (beta + np.sqrt(n) + learning_rate * l2)",
    ),
    "qhm": (_EMA, "theta = theta - learning_rate * ((1 - nu) * g + nu * velocity)"),
    "aggmo": (
        "v1 = beta1 * v1 + g",
        "v2 = beta2 * v2 + g",
        "v3 = beta3 * v3 + g",
        "theta = theta - learning_rate / 3 * (v1 + v2 + v3)",
    ),
    "ademamix": (
        "a = np.where(warmup > 0, np.minimum(t / np.maximum(warmup, 1), 1), 1)",
        "fast = np.log(np.maximum(beta1, 1e-8))",
        "slow = np.log(np.maximum(beta3, 1e-8))",
        "share = np.exp(fast * slow / ((1 - a) * slow + a * fast))",
        _DECAY,
        "m1 = beta1 * m1 + (1 - beta1) * g",
        "m2 = share * m2 + (1 - share) * g",
        "nu = beta2 * nu + (1 - beta2) * g**2",
        "m_hat = m1 / (1 - beta1**t) + a * alpha * m2",
        "v_hat = nu / (1 - beta2**t)",
        _ADAM,
    ),
    "adan": (
        "change = np.where(t > 1, g - previous, 0 * g)",
        "previous = g",
        _DECAY,
        _MEAN,
        "v = beta2 * v + (1 - beta2) * change",
        "n = beta3 * n + (1 - beta3) * (g + beta2 * change)**2",
        "m_hat = m / (1 - beta1**t) + beta2 * v / (1 - beta2**t)",
        "v_hat = n / (1 - beta3**t)",
        _ADAM,
    ),
}
# Where the textbook calls a slot by another name than the library's formula.
_SLOTS = {"adabelief": ("m", "v"), "laprop": ("m", "v")}
_STARTS: dict[str, dict[str, float | str]] = {
    "adagrad": {"s": "initial_accumulator"},
    "yogi": {"m": "initial_accumulator", "v": "initial_accumulator"},
    "nadam": {"product": 1.0},
    "rprop": {"step": "initial_step"},
    "ftrl": {"n": "initial_accumulator"},
}


@cache
def textbook(name: str) -> Textbook:
    """Return a rule in the textbook's form.

    Raises
    ------
    KeyError
        The textbook has no rule of that name.

    Examples
    --------
    >>> print(textbook("momentum").statements)
    velocity = momentum * velocity + g
    theta = theta - learning_rate * velocity
    """
    statements = "\n".join(_TEXTS[name])
    rule: Rule = getattr(_rules, name)
    slots = _SLOTS.get(name) or rule.slots
    numbers = MappingProxyType(rule.hyperparameters)
    return Textbook(name, statements, slots, numbers, MappingProxyType(_STARTS.get(name, {})))


def names() -> tuple[str, ...]:
    """Return the names of the rules that the textbook has, the simpler first.

    Examples
    --------
    >>> names()[0]
    'gradient_descent'
    """
    return tuple(_TEXTS)
