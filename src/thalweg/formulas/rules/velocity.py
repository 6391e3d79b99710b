# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# ruff: noqa: ARG001 - every rule is handed t, and a slot may start at a number that the formula never meets again
"""Chapter one: one rate for all coordinates, with and without a memory of past gradients.

From the bare gradient to velocities that average it, to rules that keep only its sign.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import rule


@rule
def gradient_descent(theta, g, t, *, learning_rate=0.01):
    r"""Gradient descent: against the gradient, in proportion to it.

    .. math:: \theta \leftarrow \theta - \eta g

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. Stable below 2 / (largest curvature).

    Conventions
    -----------
    Called stochastic gradient descent when ``g`` comes from one row or a batch: PyTorch ``SGD``, Keras ``SGD``,
    Optax ``sgd``. PyTorch's default rate is 0.001, that of Keras 0.01.

    References
    ----------
    Cauchy (1847), Methode generale pour la resolution des systemes d'equations simultanees, Comptes rendus 25.
    Robbins and Monro (1951), A stochastic approximation method, Ann. Math. Statist. 22, equation (5).

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(gradient_descent(learning_rate=0.05), steps=5)
    [5.451, 1.657, 0.68, 0.4098, 0.3189]
    """
    return theta - learning_rate * g


@rule
def momentum(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.9):
    r"""Momentum, the heavy ball: the velocity adds up gradients and friction wears it down.

    .. math:: v \leftarrow \mu v + g, \quad \theta \leftarrow \theta - \eta v

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. On a constant gradient the step grows to :math:`\eta / (1 - \mu)` times the gradient.
    momentum : float in [0, 1)
        :math:`\mu`, the share of the velocity that survives a step.

    Conventions
    -----------
    The accumulating form with the rate outside the velocity, as PyTorch (``dampening=0``) and Optax ``trace``. Keras
    and Sutskever et al. keep :math:`\eta v` instead: the same path until the learning rate changes. The averaging form
    is `ema_momentum`.

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR Comput. Math. Math. Phys.
    4(5), equation (9). Sutskever et al. (2013), On the importance of initialization and momentum in deep learning,
    equations (1) and (2).

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(momentum(learning_rate=0.05), steps=5)
    [5.451, 1.168, 10.93, 14.35, 5.533]
    """
    velocity = momentum * velocity + g
    return theta - learning_rate * velocity, velocity


@rule
def ema_momentum(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.9):
    r"""Momentum as an exponential average: the velocity has the size of a gradient.

    .. math:: v \leftarrow \beta v + (1-\beta) g, \quad \theta \leftarrow \theta - \eta v

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. The same path as `momentum` with the rate :math:`(1-\beta) \eta`: 10 times smaller at 0.9.
    momentum : float in [0, 1)
        :math:`\beta`, the share of the past in the average.

    Conventions
    -----------
    No bias correction, so the first step is :math:`(1-\beta) \eta g`. PyTorch's ``dampening=momentum`` is this rule
    but for its first velocity, which is the whole gradient. Optax: ``ema(momentum, debias=False)``.

    References
    ----------
    Ma and Yarats (2019), Quasi-hyperbolic momentum and Adam for deep learning, arXiv:1810.06801, section 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(ema_momentum(learning_rate=0.1), steps=5)
    [16.69, 10.84, 5.17, 1.444, 0.3969]
    """
    velocity = momentum * velocity + (1 - momentum) * g
    return theta - learning_rate * velocity, velocity


@rule
def nesterov(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.9):
    r"""Nesterov's momentum: the step that the velocity will have made after it meets this gradient once more.

    .. math:: v \leftarrow \mu v + g, \quad \theta \leftarrow \theta - \eta (g + \mu v)

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`.
    momentum : float in [0, 1)
        :math:`\mu`, the share of the velocity that survives a step.

    Conventions
    -----------
    theta is the look-ahead point, where the gradient is taken, as in PyTorch, Keras and Optax; Nesterov's own sequence
    is :math:`\theta + \eta \mu v`. The rate stands outside the velocity (PyTorch, Optax); Keras keeps it inside, which
    is the same path until the learning rate changes.

    References
    ----------
    Nesterov (1983), A method for solving the convex programming problem with convergence rate O(1/k^2), Soviet Math.
    Dokl. 27. Sutskever et al. (2013), On the importance of initialization and momentum in deep learning, equations (3)
    and (4). The form for the look-ahead point: Bengio et al. (2012), arXiv:1212.0901, equation (7).

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(nesterov(learning_rate=0.05), steps=5)
    [0.4595, 3.543, 3.478, 0.9407, 0.05239]
    """
    velocity = momentum * velocity + g
    return theta - learning_rate * (g + momentum * velocity), velocity


@rule(ranges={"nu": "[0, 1]"})
def qhm(theta, g, t, velocity, *, learning_rate=0.01, momentum=0.999, nu=0.7):
    r"""Quasi-hyperbolic momentum: an average of a plain step and a momentum step.

    .. math:: v \leftarrow \beta v + (1-\beta) g, \quad
              \theta \leftarrow \theta - \eta \left[ (1-\nu) g + \nu v \right]

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. The paper names no default.
    momentum : float in [0, 1)
        :math:`\beta`, the share of the past in the average.
    nu : float in [0, 1]
        Weight of the average: 0 is `gradient_descent`, 1 is `ema_momentum`, :math:`\beta` is `nesterov` at the rate
        :math:`(1-\beta) \eta`.

    Conventions
    -----------
    Not in PyTorch, Keras or Optax. The authors' own code has this form with the same defaults.

    References
    ----------
    Ma and Yarats (2019), Quasi-hyperbolic momentum and Adam for deep learning, arXiv:1810.06801, section 3.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(qhm(learning_rate=0.1), steps=5)
    [10.25, 5.212, 2.732, 1.509, 0.903]
    """
    velocity = momentum * velocity + (1 - momentum) * g
    return theta - learning_rate * ((1 - nu) * g + nu * velocity), velocity


@rule
def aggmo(theta, g, t, v1, v2, v3, *, learning_rate=0.01, beta1=0.0, beta2=0.9, beta3=0.99):
    r"""Aggregated momentum: the mean of three velocities, so that the slow one cannot oscillate alone.

    .. math:: v_i \leftarrow \beta_i v_i + g, \quad
              \theta \leftarrow \theta - \frac{\eta}{3} \sum_{i=1}^{3} v_i

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. On a constant gradient the step grows to :math:`\frac{\eta}{3} \sum 1 / (1-\beta_i)` gradients.
    beta1, beta2, beta3 : float in [0, 1)
        The share of each velocity that survives a step.

    Conventions
    -----------
    Three velocities, the paper's default :math:`K = 3` with 0, 0.9, 0.99; they point along the gradient, not against
    it. Not in PyTorch, Keras or Optax.

    References
    ----------
    Lucas, Sun, Zemel and Grosse (2019), Aggregated momentum: stability through passive damping, arXiv:1804.00325,
    section 3.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(aggmo(learning_rate=0.05), steps=5)
    [5.451, 0.4638, 5.064, 8.817, 6.534]
    """
    v1 = beta1 * v1 + g
    v2 = beta2 * v2 + g
    v3 = beta3 * v3 + g
    return theta - learning_rate / 3 * (v1 + v2 + v3), v1, v2, v3


@rule
def signsgd(theta, g, t, *, learning_rate=1e-3):
    r"""Sign descent: every coordinate moves by the learning rate, however steep.

    .. math:: \theta \leftarrow \theta - \eta \operatorname{sign}(g)

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the size of every step in the units of theta. The paper tunes it; 0.001 is ours.

    Conventions
    -----------
    A coordinate without gradient stays where it is, as in Optax ``sign_sgd``.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli and Anandkumar (2018), signSGD: compressed optimisation for non-convex problems,
    arXiv:1802.04434, Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(signsgd(learning_rate=0.4), steps=5)
    [12.98, 7.22, 3.22, 0.82, 0.02]
    """
    return theta - learning_rate * np.sign(g)


@rule
def signum(theta, g, t, m, *, learning_rate=1e-3, momentum=0.9):
    r"""Signum: the sign of the average gradient.

    .. math:: m \leftarrow \beta m + (1-\beta) g, \quad \theta \leftarrow \theta - \eta \operatorname{sign}(m)

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the size of every step in the units of theta. The paper tunes it; 0.001 is ours.
    momentum : float in [0, 1)
        :math:`\beta`, the share of the past in the average.

    Conventions
    -----------
    The averaging form of momentum (paper, Optax ``signum``); the accumulating form has the same signs.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli and Anandkumar (2018), signSGD: compressed optimisation for non-convex problems,
    arXiv:1802.04434, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(signum(learning_rate=0.4), steps=5)
    [12.98, 7.22, 3.22, 0.98, 0.5]
    """
    m = momentum * m + (1 - momentum) * g
    return theta - learning_rate * np.sign(m), m


@rule
def lion(theta, g, t, m, *, learning_rate=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    r"""Lion, evolved sign momentum: the step reads the average with one weight, the memory keeps it with another.

    .. math:: c = \beta_1 m + (1-\beta_1) g, \quad
              m \leftarrow \beta_2 m + (1-\beta_2) g, \quad
              \theta \leftarrow \theta - \eta \left[ \operatorname{sign}(c) + \lambda \theta \right]

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the size of every step in the units of theta; 3 to 10 times smaller than Adam's.
    beta1 : float in [0, 1)
        Share of the past in the step.
    beta2 : float in [0, 1)
        Share of the past in what is remembered.
    weight_decay : float >= 0
        :math:`\lambda`, decoupled; theta shrinks by :math:`\eta \lambda` of itself per step.

    Conventions
    -----------
    The step comes before the memory and beta1 belongs to the step, as in the paper, Optax and Keras. The decay is
    multiplied by the rate (paper, Optax, Keras). Its default is the authors' 0; Optax has 0.001.

    References
    ----------
    Chen et al. (2023), Symbolic discovery of optimization algorithms, arXiv:2302.06675, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(lion(learning_rate=0.4, weight_decay=0.1), steps=5)
    [11.71, 5.619, 1.938, 0.1948, 0.2668]
    """
    c = beta1 * m + (1 - beta1) * g
    m = beta2 * m + (1 - beta2) * g
    return theta - learning_rate * weight_decay * theta - learning_rate * np.sign(c), m
