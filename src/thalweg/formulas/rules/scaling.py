# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# ruff: noqa: ARG001 - every rule is handed t, and a slot may start at a number that the formula never meets again
"""Chapter two: a rate for every coordinate, learned from the gradients it has seen.

From signs that agree or disagree, to sums of squares, to averages of squares that forget.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import rule


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
def rprop(theta, g, t, previous, step, *, initial_step=0.1, eta_minus=0.5, eta_plus=1.2, min_step=1e-6, max_step=50.0):
    r"""Rprop, resilient backpropagation: a step grows while the sign of its gradient holds and shrinks when it turns.

    .. math:: \Delta \leftarrow \begin{cases}
              \min(\eta^+ \Delta, \Delta_{\max}) & g g_{-1} > 0 \\
              \max(\eta^- \Delta, \Delta_{\min}), \; g \leftarrow 0 & g g_{-1} < 0 \\
              \Delta & g g_{-1} = 0 \end{cases}
              \qquad \theta \leftarrow \theta - \operatorname{sign}(g) \Delta, \quad g_{-1} \leftarrow g

    Parameters
    ----------
    initial_step : float > 0
        The first step of every coordinate, in the units of theta.
    eta_minus : float in (0, 1)
        Factor of the step after a change of sign.
    eta_plus : float > 1
        Factor of the step while the sign holds.
    min_step, max_step : float
        Bounds of the step.

    Conventions
    -----------
    iRprop-: after a change of sign the coordinate rests for one update and its gradient is forgotten, as in PyTorch;
    the first Rprop took the last step back; Optax takes every step one update late. The initial step is the paper's
    0.1; PyTorch and Optax call it the learning rate, but a schedule does not change it after the first update. For full
    batches: noise in the sign of ``g`` shrinks all steps.

    References
    ----------
    Riedmiller and Braun (1993), A direct adaptive method for faster backpropagation learning: the RPROP algorithm,
    Proc. IEEE ICNN. Igel and Huesken (2000), Improving the Rprop learning algorithm, the version iRprop-.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(rprop(initial_step=0.5), steps=5)
    [11.38, 4.055, 0.167, 2.359, 2.359]
    """
    agreement = np.sign(g) * np.sign(previous)
    step = np.where(agreement > 0, eta_plus * step, np.where(agreement < 0, eta_minus * step, step))
    step = np.minimum(np.maximum(step, min_step), max_step)
    g = np.where(agreement < 0, 0 * g, g)
    return theta - np.sign(g) * step, g, step


@rule(starts={"s": "initial_accumulator"}, ranges={"initial_accumulator": "[0, inf)"})
def adagrad(theta, g, t, s, *, learning_rate=0.01, epsilon=1e-10, initial_accumulator=0.0):
    r"""AdaGrad: the rate of a coordinate falls with the sum of its squared gradients.

    .. math:: s \leftarrow s + g^2, \quad \theta \leftarrow \theta - \frac{\eta}{\sqrt{s} + \epsilon} \, g

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the size of the first step in the units of theta.
    epsilon : float >= 0
        Guards the division.
    initial_accumulator : float >= 0
        Where :math:`s` starts; above zero it shortens the first steps.

    Conventions
    -----------
    epsilon outside the root (paper, PyTorch) and :math:`s_0 = 0` (paper, PyTorch). Keras and Optax put epsilon (1e-7)
    inside the root and start at 0.1. PyTorch's ``lr_decay`` is the schedule ``inverse_time``. The rate and epsilon are
    PyTorch's defaults; the paper names none.

    References
    ----------
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning and stochastic optimization, JMLR
    12, Figure 1 with the diagonal matrix.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adagrad(learning_rate=0.5), steps=5)
    [11.38, 7.238, 4.85, 3.337, 2.332]
    """
    s = s + g * g
    return theta - learning_rate * g / (np.sqrt(s) + epsilon), s


@rule
def rmsprop(theta, g, t, v, *, learning_rate=1e-3, rho=0.9, epsilon=1e-8):
    r"""RMSprop: the gradient divided by the root of its mean square.

    .. math:: v \leftarrow \rho v + (1-\rho) g^2, \quad
              \theta \leftarrow \theta - \frac{\eta}{\sqrt{v} + \epsilon} \, g

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. The first step is :math:`\eta / \sqrt{1-\rho}`: the average starts at zero, uncorrected.
    rho : float in [0, 1)
        Share of the past in the mean square.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon outside the root (PyTorch); Keras, TensorFlow and, by default, Optax have it inside. The rate and rho are
    the lecture's (and those of Keras); PyTorch has 0.01 and ``alpha=0.99``.

    References
    ----------
    Tieleman and Hinton (2012), Lecture 6.5: rmsprop, Neural networks for machine learning, slide 29.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(rmsprop(learning_rate=0.2), steps=5)
    [9.418, 4.987, 2.727, 1.489, 0.7984]
    """
    v = rho * v + (1 - rho) * g * g
    return theta - learning_rate * g / (np.sqrt(v) + epsilon), v


@rule
def rmsprop_momentum(theta, g, t, v, velocity, *, learning_rate=1e-3, rho=0.9, momentum=0.9, epsilon=1e-8):
    r"""RMSprop with momentum: a heavy ball pushed by scaled gradients.

    .. math:: v \leftarrow \rho v + (1-\rho) g^2, \quad
              u \leftarrow \mu u + \frac{g}{\sqrt{v} + \epsilon}, \quad \theta \leftarrow \theta - \eta u

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. On a constant gradient the step grows to :math:`\eta / (1 - \mu)`.
    rho : float in [0, 1)
        Share of the past in the mean square.
    momentum : float in [0, 1)
        :math:`\mu`, the share of the velocity that survives a step.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    As `rmsprop`, with the accumulating form of momentum after the scaling and the rate outside the velocity (PyTorch).
    Keras, TensorFlow and Optax keep the rate inside, which is the same path until the learning rate changes.

    References
    ----------
    Tieleman and Hinton (2012), Lecture 6.5, slide 30. Graves (2013), Generating sequences with recurrent neural
    networks, arXiv:1308.0850, equations (38) to (45), without the mean gradient.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(rmsprop_momentum(learning_rate=0.1), steps=5)
    [14.41, 7.095, 1.861, 0.1959, 1.744]
    """
    v = rho * v + (1 - rho) * g * g
    velocity = momentum * velocity + g / (np.sqrt(v) + epsilon)
    return theta - learning_rate * velocity, v, velocity


@rule
def rmsprop_centered(theta, g, t, v, m, *, learning_rate=1e-3, rho=0.9, epsilon=1e-8):
    r"""Centred RMSprop: the gradient divided by an estimate of its standard deviation.

    .. math:: v \leftarrow \rho v + (1-\rho) g^2, \quad m \leftarrow \rho m + (1-\rho) g, \quad
              \theta \leftarrow \theta - \frac{\eta}{\sqrt{v - m^2} + \epsilon} \, g

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. Steps grow without bound where the gradient is constant.
    rho : float in [0, 1)
        Share of the past in both averages.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon outside the root (PyTorch ``centered=True``); inside in Graves (1e-4), Keras, TensorFlow and, by default,
    Optax. A variance that rounding makes negative counts as zero here; PyTorch answers nan.

    References
    ----------
    Graves (2013), Generating sequences with recurrent neural networks, arXiv:1308.0850, equations (38) to (45), without
    momentum.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(rmsprop_centered(learning_rate=0.2), steps=5)
    [8.944, 4.341, 2.094, 0.9718, 0.4285]
    """
    v = rho * v + (1 - rho) * g * g
    m = rho * m + (1 - rho) * g
    variance = np.maximum(v - m * m, 0)
    return theta - learning_rate * g / (np.sqrt(variance) + epsilon), v, m


@rule
def rmsprop_centered_momentum(theta, g, t, v, m, velocity, *, learning_rate=1e-4, rho=0.95, momentum=0.9, epsilon=1e-4):
    r"""Centred RMSprop with momentum, the rule as Graves printed it but for the place of epsilon.

    .. math:: v \leftarrow \rho v + (1-\rho) g^2, \quad m \leftarrow \rho m + (1-\rho) g, \quad
              u \leftarrow \mu u + \frac{g}{\sqrt{v - m^2} + \epsilon}, \quad \theta \leftarrow \theta - \eta u

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`.
    rho : float in [0, 1)
        Share of the past in both averages.
    momentum : float in [0, 1)
        :math:`\mu`, the share of the velocity that survives a step.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon outside the root (PyTorch); inside in Graves, Keras, TensorFlow and, by default, Optax. The rate stands
    outside the velocity (PyTorch), inside in the others. The numbers are the paper's. A variance that rounding makes
    negative counts as zero here; PyTorch answers nan.

    References
    ----------
    Graves (2013), Generating sequences with recurrent neural networks, arXiv:1308.0850, equations (38) to (45).

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(rmsprop_centered_momentum(learning_rate=0.1), steps=5)
    [12.02, 3.504, 0.2109, 2.664, 7.539]
    """
    v = rho * v + (1 - rho) * g * g
    m = rho * m + (1 - rho) * g
    variance = np.maximum(v - m * m, 0)
    velocity = momentum * velocity + g / (np.sqrt(variance) + epsilon)
    return theta - learning_rate * velocity, v, m, velocity


@rule
def adadelta(theta, g, t, s, delta, *, learning_rate=1.0, rho=0.9, epsilon=1e-6):
    r"""AdaDelta: a step measured in units of past steps.

    .. math:: s \leftarrow \rho s + (1-\rho) g^2, \quad
              d = \sqrt{\frac{\delta + \epsilon}{s + \epsilon}} \; g, \quad
              \delta \leftarrow \rho \delta + (1-\rho) d^2, \quad \theta \leftarrow \theta - \eta d

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. The paper has none, which is 1.
    rho : float in [0, 1)
        Share of the past in both averages.
    epsilon : float >= 0
        Sets the size of the first steps as well as guarding the root; with 0 nothing ever moves.

    Conventions
    -----------
    epsilon inside both roots (paper and all libraries); :math:`\delta` is updated after its use and remembers the step
    before the rate (all libraries). rho and epsilon are PyTorch's; the paper has 0.95 and 1e-6, Keras a rate of 0.001,
    0.95 and 1e-7.

    References
    ----------
    Zeiler (2012), ADADELTA: an adaptive learning rate method, arXiv:1212.5701, Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adadelta(epsilon=0.01), steps=5)
    [14.42, 9.719, 6.35, 4.049, 2.531]
    """
    s = rho * s + (1 - rho) * g * g
    d = np.sqrt((delta + epsilon) / (s + epsilon)) * g
    delta = rho * delta + (1 - rho) * d * d
    return theta - learning_rate * d, s, delta


@rule(
    starts={"n": "initial_accumulator"},
    ranges={"beta": "[0, inf)", "l1": "[0, inf)", "l2": "[0, inf)", "initial_accumulator": "[0, inf)"},
)
def ftrl(theta, g, t, z, n, *, learning_rate=0.1, beta=1.0, l1=0.0, l2=0.0, initial_accumulator=0.0):
    r"""FTRL-proximal: the minimiser of all past gradients' lines plus penalties, with AdaGrad's rates.

    .. math:: \sigma = \frac{\sqrt{n + g^2} - \sqrt{n}}{\eta}, \quad z \leftarrow z + g - \sigma \theta, \quad
              n \leftarrow n + g^2, \quad
              \theta \leftarrow - \frac{z - \operatorname{clip}(z, -\lambda_1, \lambda_1)}
              {(\beta + \sqrt{n}) / \eta + \lambda_2}

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the paper's :math:`\alpha`; 0.1 is ours, the paper tunes it.
    beta : float >= 0
        Damps the first steps.
    l1 : float >= 0
        :math:`\lambda_1`: coordinates with a smaller :math:`|z|` are exactly zero.
    l2 : float >= 0
        :math:`\lambda_2`.
    initial_accumulator : float >= 0
        Where :math:`n` starts.

    Conventions
    -----------
    theta is made anew from :math:`z` at every step: the rule is meant to start at theta = 0, and another start is
    partly forgotten at the first update. beta = 1 and :math:`n_0 = 0` are the paper's; Keras and TensorFlow have
    beta = 0 and start at 0.1, and their ``l2`` counts twice: it is half of this one. The penalties belong to the rule
    and add up over the steps; they are not the penalties `l1` and `l2` of a loss.

    References
    ----------
    McMahan et al. (2013), Ad click prediction: a view from the trenches, KDD, Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(ftrl(learning_rate=0.5), steps=5)
    [10.24, 6.622, 4.476, 3.096, 2.171]
    """
    n_next = n + g * g
    root = np.sqrt(n_next)
    sigma = (root - np.sqrt(n)) / learning_rate
    z = z + g - sigma * theta
    beyond = z - np.minimum(np.maximum(z, -l1), l1)
    return -learning_rate * beyond / (beta + root + learning_rate * l2), z, n_next
