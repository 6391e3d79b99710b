# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
r"""Activations: what a unit of a network makes of its input ``z``, and the derivative.

An activation gives ``(value, derivative)`` element by element. Where the derivative follows from the value, it is
written with the value, and the backward pass uses the stored one. Every activation is safe at any finite ``z``: no
overflow, no NaN. At a kink the derivative is PyTorch's.
"""

from __future__ import annotations

import math

import numpy as np

from thalweg.formulas.formula import activation

__all__ = ["elu", "gelu", "identity", "leaky_relu", "logistic", "relu", "silu", "softplus", "tanh"]

_GELU_SLOPE = math.sqrt(8 / math.pi)  # twice sqrt(2 / pi): (1 + tanh(u)) / 2 is the logistic function of 2 u
_GELU_CUBIC = 0.044715


def _logistic(z):
    """``1 / (1 + exp(-z))``, accurate in both tails; the exponent is never positive."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


@activation
def identity(z):
    r"""No activation: a linear layer.

    .. math:: a = z, \qquad a' = 1

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``activation="identity"`` in scikit-learn, ``linear`` in Keras, ``Identity`` in PyTorch.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.1.

    Examples
    --------
    >>> float(identity.value(-2.0))
    -2.0
    """
    return z, 1 + 0 * np.sign(z)  # one per element; inf * 0 would be NaN, and a NaN is to stay one


@activation
def relu(z):
    r"""Rectified linear unit: the positive part.

    .. math:: a = \max(z, 0), \qquad a' = [\,z > 0\,]

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``activation="relu"`` in scikit-learn. The derivative at 0 is 0, as in scikit-learn, PyTorch, Keras and JAX.

    References
    ----------
    Nair and Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines, Proceedings of the 27th
    International Conference on Machine Learning.

    Examples
    --------
    >>> float(relu.value(-2.0))
    0.0
    """
    a = np.maximum(z, 0)
    return a, np.sign(a)


@activation(ranges={"slope": "[0, inf)"})
def leaky_relu(z, *, slope=0.01):
    r"""Leaky rectified linear unit: a small slope keeps units alive that are switched off.

    .. math:: a = \max(z, 0) + \text{slope} \cdot \min(z, 0), \qquad a' = \begin{cases} 1 & z > 0 \\ \text{slope} &
              \text{otherwise} \end{cases}

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.
    slope : float >= 0
        Slope below 0.

    Conventions
    -----------
    ``slope`` is ``negative_slope`` in PyTorch (0.01, as in the paper) and Keras (0.3). The derivative at 0 is
    ``slope``, as in PyTorch.

    References
    ----------
    Maas, Hannun and Ng (2013), Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML workshop on deep
    learning for audio, speech and language processing, section 2.

    Examples
    --------
    >>> float(leaky_relu(slope=0.25).value(-2.0))
    -0.5
    """
    a = np.maximum(z, 0) + slope * np.minimum(z, 0)
    on = np.sign(np.maximum(a, 0))
    return a, on + slope * (1 - on)


@activation
def elu(z, *, alpha=1.0):
    r"""Exponential linear unit: smooth below zero, where it settles at ``-alpha``.

    .. math:: a = \begin{cases} z & z > 0 \\ \alpha (e^z - 1) & \text{otherwise} \end{cases} \qquad
              a' = \begin{cases} 1 & z > 0 \\ a + \alpha & \text{otherwise} \end{cases}

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.
    alpha : float >= 0
        Minus the value far below zero.

    Conventions
    -----------
    As in PyTorch, Keras and JAX; the derivative at 0 is ``alpha``, as in PyTorch. This ``alpha`` is no penalty.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2016), Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs), arXiv:1511.07289, equation 15.

    Examples
    --------
    >>> round(float(elu.value(-2.0)), 6)
    -0.864665
    """
    a = np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))
    return a, np.where(a > 0, 1, a + alpha)


@activation
def tanh(z):
    r"""Hyperbolic tangent: between -1 and 1, with slope 1 at 0.

    .. math:: a = \tanh z, \qquad a' = 1 - a^2

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``activation="tanh"`` in scikit-learn.

    References
    ----------
    LeCun, Bottou, Orr and Müller (1998), Efficient BackProp, section 4.4.

    Examples
    --------
    >>> round(float(tanh.value(0.5)), 6)
    0.462117
    """
    a = np.tanh(z)
    return a, 1 - a * a


@activation
def logistic(z):
    r"""Logistic function (sigmoid): between 0 and 1.

    .. math:: a = \frac{1}{1 + e^{-z}}, \qquad a' = a (1 - a)

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``activation="logistic"`` in scikit-learn, ``sigmoid`` in PyTorch and Keras.

    References
    ----------
    Rumelhart, Hinton and Williams (1986), Learning Representations by Back-propagating Errors, Nature 323, 533-536,
    equation 2.

    Examples
    --------
    >>> round(float(logistic.value(0.5)), 6)
    0.622459
    """
    a = _logistic(z)
    return a, a * (1 - a)


@activation
def softplus(z):
    r"""Softplus: a smooth positive part; its derivative is the logistic function.

    .. math:: a = \log(1 + e^z), \qquad a' = 1 - e^{-a} = \frac{1}{1 + e^{-z}}

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``Softplus(beta=1)`` in PyTorch, which returns ``z`` itself from 20 on (off by 2.1e-9 at most); here it is exact.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau and Garcia (2001), Incorporating Second-Order Functional Knowledge for Better Option
    Pricing, Advances in Neural Information Processing Systems 13.

    Examples
    --------
    >>> round(float(softplus.value(0.0)), 6)
    0.693147
    """
    a = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    return a, -np.expm1(-a)


@activation
def silu(z):
    r"""Sigmoid linear unit (swish): the input, weighed by its own logistic function.

    .. math:: a = z \, \sigma(z), \qquad a' = \sigma(z) + a \, (1 - \sigma(z)), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    ``SiLU`` in PyTorch, ``silu`` or ``swish`` in Keras and JAX.

    References
    ----------
    Elfwing, Uchibe and Doya (2018), Sigmoid-Weighted Linear Units for Neural Network Function Approximation in
    Reinforcement Learning, arXiv:1702.03118, section 2.

    Examples
    --------
    >>> round(float(silu.value(1.0)), 6)
    0.731059
    """
    s = _logistic(z)
    a = z * s
    return a, s + a * (1 - s)


@activation
def gelu(z):
    r"""Gaussian error linear unit, in its tanh form: the input, weighed by about the normal distribution function.

    .. math:: a = z \, \sigma(v) = \tfrac12 z \bigl(1 + \tanh(v / 2)\bigr), \qquad
              a' = \sigma(v) + a \, (1 - \sigma(v)) \, \frac{dv}{dz}, \qquad
              v = \sqrt{8 / \pi} \, (z + 0.044715 \, z^3)

    Parameters
    ----------
    z : array of float, any shape
        Input of the units.

    Conventions
    -----------
    The paper's tanh approximation: ``GELU(approximate="tanh")`` in PyTorch, ``approximate=True`` in Keras and JAX
    (there the default). PyTorch's and Keras' default is the exact ``z * Phi(z)``; the two differ by less than 5e-4.

    References
    ----------
    Hendrycks and Gimpel (2016), Gaussian Error Linear Units (GELUs), arXiv:1606.08415, section 2.

    Examples
    --------
    >>> round(float(gelu.value(1.0)), 6)
    0.841192
    """
    near = np.maximum(np.minimum(z, 40), -40)  # beyond, the weight is 0 or 1 to the last bit, and the cube may overflow
    square = near * near
    s = _logistic(_GELU_SLOPE * near * (1 + _GELU_CUBIC * square))
    a = z * s
    return a, s + a * (1 - s) * (_GELU_SLOPE * (1 + 3 * _GELU_CUBIC * square))
