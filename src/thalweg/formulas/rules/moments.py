# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
"""Chapter three: Adam and its next of kin, a mean gradient divided by the root of a mean square."""

from __future__ import annotations

import math

import numpy as np

from thalweg.formulas.formula import rule


@rule
def adam(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    r"""Adam: the mean of the gradient over the root of its mean square, both corrected for their start at zero.

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1) g, \quad v \leftarrow \beta_2 v + (1-\beta_2) g^2, \quad
              \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}, \quad
              \hat m = \frac{m}{1 - \beta_1^t}, \; \hat v = \frac{v}{1 - \beta_2^t}

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1 : float in [0, 1)
        Share of the past in the mean gradient.
    beta2 : float in [0, 1)
        Share of the past in the mean square.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon outside the root and after the correction, as in the paper's Algorithm 1, PyTorch and Optax. Keras and
    TensorFlow add it before the correction (the paper's :math:`\hat\epsilon`, 1e-7): theirs is
    :math:`\epsilon / \sqrt{1 - \beta_2^t}` here.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, Algorithm 1.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adam(learning_rate=0.5), steps=5)
    [11.38, 5.088, 1.498, 0.1983, 0.5549]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - rate * m / (scale * np.sqrt(v) + epsilon), m, v


@rule
def adamw(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    r"""AdamW: Adam, and a decay of theta that does not pass through the moments.

    .. math:: \theta \leftarrow \theta - \eta \lambda \theta - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    with :math:`\hat m` and :math:`\hat v` as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1, beta2 : float in [0, 1)
        Shares of the past in the mean gradient and the mean square.
    epsilon : float >= 0
        Guards the division.
    weight_decay : float >= 0
        :math:`\lambda`: theta shrinks by :math:`\eta \lambda` of itself per step.

    Conventions
    -----------
    The decay is multiplied by the learning rate and acts on theta before the step, as in PyTorch, Optax and Keras; in
    the paper only the schedule multiplies it. Defaults of the decay: PyTorch 0.01, Keras 0.004, Optax 0.0001. epsilon
    as in `adam`.

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adamw(learning_rate=0.5, weight_decay=0.1), steps=5)
    [9.901, 3.546, 0.6458, 0.1802, 1.035]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - learning_rate * weight_decay * theta - rate * m / (scale * np.sqrt(v) + epsilon), m, v


@rule
def adamax(theta, g, t, m, u, *, learning_rate=2e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    r"""AdaMax: Adam with the largest recent gradient in place of the mean square.

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1) g, \quad u \leftarrow \max(\beta_2 u, |g| + \epsilon), \quad
              \theta \leftarrow \theta - \frac{\eta}{1 - \beta_1^t} \frac{m}{u}

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, the largest step in the units of theta.
    beta1 : float in [0, 1)
        Share of the past in the mean gradient.
    beta2 : float in [0, 1)
        How slowly a large gradient is forgotten.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    The paper has no epsilon. PyTorch and Optax add it to the gradient within the maximum, as here; Keras adds it (1e-7)
    to :math:`u` in the division. Default rate 0.002 (paper, PyTorch); Keras 0.001.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(adamax(learning_rate=0.5), steps=5)
    [11.38, 5.684, 2.405, 0.7529, 0.1384]
    """
    rate = learning_rate / (1 - beta1**t)
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g) + epsilon)
    return theta - rate * m / u, m, u


@rule
def amsgrad(theta, g, t, m, v, v_max, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    r"""AMSGrad: Adam that divides by the largest mean square so far, so that rates never grow again.

    .. math:: v_{\max} \leftarrow \max(v_{\max}, v), \quad
              \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{v_{\max} / (1 - \beta_2^t)} + \epsilon}

    with :math:`m`, :math:`v` and :math:`\hat m` as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1, beta2 : float in [0, 1)
        Shares of the past in the mean gradient and the mean square.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    Three rules share the name. The maximum is taken of the uncorrected :math:`v` and corrected afterwards in PyTorch,
    as here, and in Keras (with the epsilon of its Adam); Optax corrects before the maximum; the paper corrects neither
    moment and has no epsilon.

    References
    ----------
    Reddi, Kale and Kumar (2018), On the convergence of Adam and beyond, arXiv:1904.09237, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(amsgrad(learning_rate=0.5, beta2=0.5), steps=5)
    [11.38, 4.843, 1.368, 0.1768, 0.3122]
    """
    rate = learning_rate / (1 - beta1**t)
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    v_max = np.maximum(v_max, v)
    return theta - rate * m / (scale * np.sqrt(v_max) + epsilon), m, v, v_max


@rule(starts={"product": 1.0}, ranges={"momentum_decay": "[0, inf)"})
def nadam(theta, g, t, m, v, product, *, learning_rate=2e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=4e-3):
    r"""NAdam: Adam with Nesterov's look-ahead and a momentum that warms up.

    .. math:: \mu_t = \beta_1 \left( 1 - \tfrac12 \, 0.96^{\psi t} \right), \quad \Pi \leftarrow \mu_t \Pi, \quad
              \hat m = \frac{\mu_{t+1} m}{1 - \mu_{t+1} \Pi} + \frac{(1 - \mu_t) g}{1 - \Pi}, \quad
              \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    with :math:`m`, :math:`v` and :math:`\hat v` as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`, about the size of a step in the units of theta.
    beta1, beta2 : float in [0, 1)
        Shares of the past in the mean gradient and the mean square.
    epsilon : float >= 0
        Guards the division.
    momentum_decay : float >= 0
        :math:`\psi`, how fast :math:`\mu_t` rises from half of beta1 to beta1.

    Conventions
    -----------
    PyTorch's rule; ``momentum_decay=1`` gives that of Keras (epsilon 1e-7). Optax's ``nadam`` has a constant
    :math:`\mu = \beta_1`. The product :math:`\Pi` of all :math:`\mu` has no closed form, so it is a slot, the same in
    every coordinate.

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR workshop, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(nadam(learning_rate=0.5), steps=5)
    [10.94, 6.484, 3.681, 1.881, 0.8045]
    """
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    scale = 1 / math.sqrt(1 - beta2**t)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    product = mu * product
    ahead = mu_next * m / (1 - mu_next * product) + (1 - mu) * g / (1 - product)
    return theta - learning_rate * ahead / (scale * np.sqrt(v) + epsilon), m, v, product


@rule
def radam(theta, g, t, m, v, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    r"""RAdam, rectified Adam: plain momentum until the mean square can be trusted, then Adam with a factor below one.

    .. math:: \rho_\infty = \frac{2}{1-\beta_2} - 1, \quad \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1-\beta_2^t},
              \quad r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}

    .. math:: \theta \leftarrow \theta - \eta \hat m \cdot \begin{cases}
              r_t \sqrt{1 - \beta_2^t} / (\sqrt{v} + \epsilon) & \rho_t > 5 \\ 1 & \text{otherwise} \end{cases}

    with :math:`m`, :math:`v` and :math:`\hat m` as in `adam`.

    Parameters
    ----------
    learning_rate : float > 0
        :math:`\eta`. In the first steps (5 with the default beta2) it multiplies the mean gradient itself.
    beta1, beta2 : float in [0, 1)
        Shares of the past in the mean gradient and the mean square.
    epsilon : float >= 0
        Guards the division.

    Conventions
    -----------
    epsilon is added before the correction (the authors' code, PyTorch), after it in Optax. The paper's Algorithm 2
    rectifies when :math:`\rho_t > 4`; PyTorch, Optax and the authors' code wait for 5.

    References
    ----------
    Liu et al. (2020), On the variance of the adaptive learning rate and beyond, arXiv:1908.03265, Algorithm 2.

    Examples
    --------
    >>> from thalweg.formulas.surfaces import losses
    >>> losses(radam(learning_rate=0.05, beta2=0.9), steps=5)
    [5.451, 0.7524, 0.678, 1.998, 3.144]
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    trusted = rho > 5
    r = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5 if trusted else 1.0
    rate = learning_rate / (1 - beta1**t) * (r * (1 - beta2**t) ** 0.5 if trusted else 1.0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - rate * m / (np.sqrt(v) + epsilon if trusted else 1.0), m, v
