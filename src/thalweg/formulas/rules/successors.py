# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# ruff: noqa: ARG001 - every rule is handed t, and a slot may start at a number that the formula never meets again
"""Chapter four: after Adam. Other measures of size, another order, longer memories."""

from __future__ import annotations

import math

import numpy as np

from thalweg.formulas.formula import rule


@rule
def adabelief(theta, g, t, m, s, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-16):
    r"""AdaBelief: Adam that divides by how far gradients stray from their mean.

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1) g, \quad
              s \leftarrow \beta_2 s + (1-\beta_2) (g - m)^2 + \epsilon, \quad
              \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{\hat s} + \epsilon}

    with :math:`\hat m` and :math:`\hat s` corrected as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. Steps are larger than Adam's where gradients agree.
    beta1, beta2 : float in [0, 1)
        Shares of the past in the mean gradient and in the spread.
    epsilon : float >= 0
        Guards the division, twice; inside the root it adds up to about :math:`\epsilon / (1 - \beta_2)`.

    Conventions
    -----------
    epsilon is added to :math:`s` at every step and outside the root (paper, the authors' code); Optax calls the two
    ``eps_root`` and ``eps``, both 1e-16, and agrees when they are equal.

    References
    ----------
    Zhuang et al. (2020), AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, arXiv:2010.07468,
    Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adabelief(learning_rate=0.5), steps=5)
    [10.53, 3.83, 0.6069, 0.3452, 1.792]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    surprise = g - m
    s = beta2 * s + (1 - beta2) * surprise * surprise + epsilon
    return theta - rate * m / (scale * np.sqrt(s) + epsilon), m, s


@rule(
    starts={"m": "initial_accumulator", "v": "initial_accumulator"},
    ranges={"initial_accumulator": "[0, inf)"},
)
def yogi(theta, g, t, m, v, *, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-3, initial_accumulator=1e-6):
    r"""Yogi: Adam whose mean square moves by a share of the new square, never by a share of itself.

    .. math:: v \leftarrow v - (1-\beta_2) \operatorname{sign}(v - g^2) \, g^2, \quad
              \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    with :math:`m`, :math:`\hat m` and :math:`\hat v` as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1, beta2 : float in [0, 1)
        Share of the past in the mean gradient; 1 - beta2 is the pace of :math:`v`.
    epsilon : float >= 0
        Guards the division; far from negligible at its default.
    initial_accumulator : float >= 0
        Where :math:`m` and :math:`v` start.

    Conventions
    -----------
    Corrected for the start, and both moments start at 1e-6, as in Optax and the authors' code. The paper's Algorithm 2
    starts at zero (``initial_accumulator=0``) and corrects nothing.

    References
    ----------
    Zaheer, Reddi, Sachan, Kale and Kumar (2018), Adaptive methods for nonconvex optimization, NeurIPS, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(yogi(learning_rate=0.5), steps=5)
    [11.38, 5.09, 1.5, 0.1984, 0.5502]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    v = v - (1 - beta2) * np.sign(v - g * g) * g * g
    return theta - rate * m / (scale * np.sqrt(v) + epsilon), m, v


@rule
def laprop(theta, g, t, m, n, *, learning_rate=4e-4, beta1=0.9, beta2=0.999, epsilon=1e-15):
    r"""LaProp: Adam with the division first; the momentum averages steps instead of gradients.

    .. math:: n \leftarrow \beta_2 n + (1-\beta_2) g^2, \quad
              m \leftarrow \beta_1 m + (1-\beta_1) \frac{g}{\sqrt{\hat n} + \epsilon}, \quad
              \theta \leftarrow \theta - \frac{\eta}{1 - \beta_1^t} m, \quad \hat n = \frac{n}{1 - \beta_2^t}

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1 : float in [0, 1)
        Share of the past in the mean step, the paper's :math:`\mu`.
    beta2 : float in [0, 1)
        Share of the past in the mean square, the paper's :math:`\nu`.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon outside the root and after the correction. Not in PyTorch, Keras or Optax; the authors' code keeps
    :math:`\eta m` instead, the same path until the learning rate changes.

    References
    ----------
    Ziyin, Wang and Ueda (2020), LaProp: separating momentum and adaptivity in Adam, arXiv:2002.04839, section 3.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(laprop(learning_rate=0.5), steps=5)
    [11.38, 5.411, 1.981, 0.4166, 0.07472]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    n = beta2 * n + (1 - beta2) * g * g
    m = beta1 * m + (1 - beta1) * g / (scale * np.sqrt(n) + epsilon)
    return theta - rate * m, m, n


@rule(ranges={"warmup": "[0, inf)"})
def ademamix(
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
    warmup=0,
):
    r"""AdEMAMix: Adam with a second mean gradient that remembers ten thousand steps.

    .. math:: m_1 \leftarrow \beta_1 m_1 + (1-\beta_1) g, \quad m_2 \leftarrow \beta_3 m_2 + (1-\beta_3) g, \quad
              \theta \leftarrow \theta - \eta \left[
              \frac{\hat m_1 + \alpha m_2}{\sqrt{\hat \nu} + \epsilon} + \lambda \theta \right]

    with :math:`\hat m_1` and the mean square :math:`\hat \nu` as in `adam`. During the first :math:`T` steps of a
    warm-up, with :math:`a = t / T`, :math:`\alpha` is multiplied by :math:`a` and :math:`\beta_3` is
    :math:`\exp \frac{\ln \beta_1 \ln \beta_3}{(1-a) \ln \beta_3 + a \ln \beta_1}`: its memory grows evenly.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`; on a constant gradient steps grow to :math:`1 + \alpha` times of it.
    beta1, beta2, beta3 : float in [0, 1)
        Shares of the past in the fast mean, the mean square and the slow mean.
    alpha : float >= 0
        Weight of the slow mean; 0 is `adamw`.
    epsilon : float >= 0
        Guards the division.
    weight_decay : float >= 0
        :math:`\lambda`, decoupled, times the rate.
    warmup : int >= 0
        :math:`T` in updates; 0 is none. The paper takes the whole run.

    Conventions
    -----------
    The slow mean is not corrected (paper, Optax). Optax passes schedules for ``b3`` and ``alpha`` instead of a warm-up;
    ``alpha`` is 5 as in Optax, 2 in the authors' code.

    References
    ----------
    Pagliardini, Ablin and Grangier (2024), The AdEMAMix optimizer: better, faster, older, arXiv:2409.03137,
    Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(ademamix(learning_rate=0.5, warmup=5), steps=5)
    [11.37, 5.078, 1.486, 0.1955, 0.5776]
    """
    a = t / warmup if t < warmup else 1.0
    fast, slow = math.log(max(beta1, 1e-8)), math.log(max(beta3, 1e-8))  # no memory at all has no logarithm
    beta3_t = math.exp(fast * slow / ((1 - a) * slow + a * fast)) if a < 1 else beta3
    correction = 1 / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m1 = beta1 * m1 + (1 - beta1) * g
    m2 = beta3_t * m2 + (1 - beta3_t) * g
    nu = beta2 * nu + (1 - beta2) * g * g
    ratio = (correction * m1 + a * alpha * m2) / (scale * np.sqrt(nu) + epsilon)
    return theta - learning_rate * weight_decay * theta - learning_rate * ratio, m1, m2, nu


@rule
def adan(
    theta,
    g,
    t,
    m,
    v,
    n,
    previous,
    *,
    learning_rate=1e-3,
    beta1=0.98,
    beta2=0.92,
    beta3=0.99,
    epsilon=1e-8,
    weight_decay=0.0,
):
    r"""Adan, adaptive Nesterov momentum: means of the gradient, of its change and of the look-ahead's square.

    .. math:: d = g - g_{-1}, \quad m \leftarrow \beta_1 m + (1-\beta_1) g, \quad
              v \leftarrow \beta_2 v + (1-\beta_2) d, \quad
              n \leftarrow \beta_3 n + (1-\beta_3) (g + \beta_2 d)^2

    .. math:: \theta \leftarrow \theta - \eta \left[
              \frac{\hat m + \beta_2 \hat v}{\sqrt{\hat n} + \epsilon} + \lambda \theta \right], \quad
              g_{-1} \leftarrow g

    with :math:`\hat m`, :math:`\hat v`, :math:`\hat n` corrected by :math:`1 - \beta_1^t`, :math:`1 - \beta_2^t`,
    :math:`1 - \beta_3^t`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1, beta2, beta3 : float in [0, 1)
        Shares of the past in the three means.
    epsilon : float >= 0
        Guards the division.
    weight_decay : float >= 0
        :math:`\lambda`, decoupled, times the rate.

    Conventions
    -----------
    The betas are shares of the past, as in the authors' code (the paper's are 1 minus these: 0.02, 0.08, 0.01), so the
    paper's factor :math:`1 - \beta_2` of the change is beta2 here. Optax keeps the letters and multiplies by
    ``1 - b2``, 0.08 instead of 0.92; it also adds ``eps_root=1e-8`` inside the root. The change is zero at the first
    step. The decay subtracts (Optax, the authors' ``no_prox``); the paper divides theta by :math:`1 + \eta \lambda`.

    References
    ----------
    Xie, Zhou, Li, Lin and Yan (2022), Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models,
    arXiv:2208.06677, Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adan(learning_rate=0.5), steps=5)
    [11.38, 5.277, 1.697, 0.1886, 0.1439]
    """
    known = 1.0 if t > 1 else 0.0
    of_mean = 1 / (1 - beta1**t)
    of_change = beta2 / (1 - beta2**t)
    scale = 1 / math.sqrt(1 - beta3**t)
    d = known * (g - previous)
    ahead = g + beta2 * d
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * d
    n = beta3 * n + (1 - beta3) * ahead * ahead
    ratio = (of_mean * m + of_change * v) / (scale * np.sqrt(n) + epsilon)
    return theta - learning_rate * weight_decay * theta - learning_rate * ratio, m, v, n, g
