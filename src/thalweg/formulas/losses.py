# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
r"""Losses: how far a score ``z`` is from its target ``y``, and the derivative with respect to the score.

Every loss gives ``(value, derivative)`` for one output of one row, so ``y`` and ``z`` may have any common shape; the
objective of a run is the mean over the rows. Nothing but the derivative is passed back to a model, hence no loss ever
sees its features. ``log_loss`` over more than two classes needs all scores of a row at once: that is :data:`softmax`.

Scores of any finite size are safe: a loss overflows only where its true value does, and there it is ``inf``, never NaN.
At a kink the derivative is 0 if 0 lies between the two one-sided derivatives.

Each docstring names the string by which scikit-learn calls the same loss; :data:`ALIASES` resolves these strings.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import loss, row_loss

__all__ = [
    "ALIASES",
    "absolute",
    "epsilon_insensitive",
    "hinge",
    "huber",
    "log",
    "modified_huber",
    "poisson",
    "quantile",
    "softmax",
    "squared",
    "squared_epsilon_insensitive",
    "squared_hinge",
]


# -- real targets


@loss(target="real")
def squared(y, z):
    r"""Squared error, halved: the mean of the target is its minimiser.

    .. math:: \ell = (z - y)^2 / 2, \qquad \ell' = z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.

    Conventions
    -----------
    ``"squared_error"`` in scikit-learn, whose ``SGDRegressor`` and ``MLPRegressor`` halve it too, while
    ``mean_squared_error`` does not. PyTorch's ``MSELoss`` and Keras' do not halve it.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 1.2.

    Examples
    --------
    >>> float(squared.value(1.0, 4.0))
    4.5
    """
    r = z - y
    return r * r / 2, r


@loss(target="real")
def absolute(y, z):
    r"""Absolute error: the median of the target is its minimiser.

    .. math:: \ell = |z - y|, \qquad \ell' = \operatorname{sign}(z - y)

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.

    Conventions
    -----------
    ``"absolute_error"`` in scikit-learn. The derivative at ``z == y`` is 0, as in PyTorch's ``L1Loss``; scikit-learn's
    own loss class takes -1 there.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 10.6.

    Examples
    --------
    >>> float(absolute.value(1.0, 4.0))
    3.0
    """
    r = z - y
    return np.abs(r), np.sign(r)


@loss(target="real", ranges={"delta": "(0, inf)"})
def huber(y, z, *, delta=1.0):
    r"""Huber loss: squared error near the target, absolute error beyond ``delta``.

    .. math:: \ell = \begin{cases} r^2 / 2 & |r| \le \delta \\ \delta |r| - \delta^2 / 2 & \text{otherwise} \end{cases}
              \qquad \ell' = \max(-\delta, \min(r, \delta)), \qquad r = z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.
    delta : float > 0
        Residual at which the loss turns from a parabola into a line, in the units of ``y``.

    Conventions
    -----------
    ``"huber"`` in scikit-learn, whose ``SGDRegressor`` calls ``delta`` ``epsilon`` (0.1). PyTorch's ``HuberLoss`` is
    this one; its ``SmoothL1Loss`` is this one divided by its ``beta``.

    References
    ----------
    Huber (1964), Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35(1), 73-101.

    Examples
    --------
    >>> float(huber.value(1.0, 4.0))
    2.5
    """
    r = z - y
    size = np.abs(r)
    near = np.minimum(size, delta)  # one product for both branches: the square of a large residual is never taken
    return near * (size - near / 2), np.maximum(np.minimum(r, delta), -delta)


@loss(target="real", ranges={"quantile": "(0, 1)"})
def quantile(y, z, *, quantile=0.5):
    r"""Quantile (pinball) loss: the ``quantile`` of the target is its minimiser.

    .. math:: \ell = \max\bigl((1 - q)\, r, \; -q\, r\bigr), \qquad
              \ell' = \begin{cases} 1 - q & r > 0 \\ -q & r < 0 \end{cases}, \qquad r = z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.
    quantile : float in (0, 1)
        Share of the targets that shall lie below the prediction; 0.5 is half of the absolute error.

    Conventions
    -----------
    ``"quantile"`` in scikit-learn. The derivative at ``z == y`` is 0; scikit-learn's own loss class takes
    ``-quantile``.

    References
    ----------
    Koenker and Bassett (1978), Regression Quantiles, Econometrica 46(1), 33-50.

    Examples
    --------
    >>> float(quantile(quantile=0.9).value(4.0, 1.0))
    2.7
    """
    r = z - y
    above, below = np.maximum(np.sign(r), 0), np.minimum(np.sign(r), 0)
    slope = above * (1 - quantile) + below * quantile
    return slope * r, slope


@loss(target="real")
def epsilon_insensitive(y, z, *, epsilon=0.1):
    r"""Epsilon-insensitive loss: absolute error outside a tube in which nothing is lost.

    .. math:: \ell = \max(|r| - \epsilon, 0), \qquad
              \ell' = \operatorname{sign}(r) \, [\,|r| > \epsilon\,], \qquad r = z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.
    epsilon : float >= 0
        Half width of the tube, in the units of ``y``.

    Conventions
    -----------
    ``"epsilon_insensitive"`` in scikit-learn. On the edge of the tube the derivative is 0, as there.

    References
    ----------
    Smola and Schölkopf (2004), A Tutorial on Support Vector Regression, Statistics and Computing 14, equation 4.

    Examples
    --------
    >>> float(epsilon_insensitive(epsilon=0.5).value(1.0, 4.0))
    2.5
    """
    r = z - y
    excess = np.maximum(np.abs(r) - epsilon, 0)
    return excess, np.sign(r) * np.sign(excess)


@loss(target="real")
def squared_epsilon_insensitive(y, z, *, epsilon=0.1):
    r"""Squared epsilon-insensitive loss: squared error outside a tube in which nothing is lost.

    .. math:: \ell = \max(|r| - \epsilon, 0)^2, \qquad
              \ell' = 2 \operatorname{sign}(r) \max(|r| - \epsilon, 0), \qquad r = z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, in its own units.
    z : array of float, the shape of ``y``
        Prediction, in the units of ``y``.
    epsilon : float >= 0
        Half width of the tube, in the units of ``y``.

    Conventions
    -----------
    ``"squared_epsilon_insensitive"`` in scikit-learn, and not halved, as there: with ``epsilon=0`` it is twice
    :data:`squared`.

    References
    ----------
    Ho and Lin (2012), Large-scale Linear Support Vector Regression, Journal of Machine Learning Research 13, section 2.

    Examples
    --------
    >>> float(squared_epsilon_insensitive(epsilon=0.5).value(1.0, 4.0))
    6.25
    """
    r = z - y
    excess = np.maximum(np.abs(r) - epsilon, 0)
    return excess * excess, 2 * np.sign(r) * excess


# -- counts


@loss(target="count", inverse_link="exp")
def poisson(y, z):
    r"""Poisson loss: minus the log-likelihood of a count whose mean is ``exp(z)``.

    .. math:: \ell = e^z - y z, \qquad \ell' = e^z - y

    Parameters
    ----------
    y : array of float, any shape
        Target, a count or any other number >= 0.
    z : array of float, the shape of ``y``
        Natural logarithm of the predicted mean.

    Conventions
    -----------
    ``"poisson"`` in scikit-learn, as here without the terms that only depend on ``y``: the value may be negative. Half
    of ``mean_poisson_deviance`` is the value plus ``y * log(y) - y``. PyTorch's ``PoissonNLLLoss`` is this one.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, chapter 6.

    Examples
    --------
    >>> float(poisson.value(3.0, 0.0))
    1.0
    """
    mean = np.exp(z)
    # Near a mean of 1 the difference to a count of 1 is all in the digits that exp rounds away.
    slope = np.where(np.abs(z) < 0.5, np.expm1(z) + (1 - y), mean - y)
    return mean - y * z, slope


# -- two classes, y = 0 or 1


@loss(target="binary", inverse_link="logistic")
def log(y, z):
    r"""Log loss of two classes (cross-entropy, logistic loss): the probability of class 1 is ``1 / (1 + exp(-z))``.

    .. math:: \ell = y \log(1 + e^{-z}) + (1 - y) \log(1 + e^z), \qquad \ell' = \frac{1}{1 + e^{-z}} - y

    Parameters
    ----------
    y : array of float, any shape
        Class, 0 or 1; values in between are probabilities of class 1 (label smoothing).
    z : array of float, the shape of ``y``
        Log-odds of class 1, in nats.

    Conventions
    -----------
    ``"log_loss"`` in scikit-learn. PyTorch's ``BCEWithLogitsLoss`` is this one. Value and derivative keep their
    relative accuracy where a probability rounds to 1: right by a score of 50 costs 1.9e-22, not 0.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equations 4.90 and 4.91.

    Examples
    --------
    >>> round(float(log.value(1.0, 0.0)), 6)
    0.693147
    """
    e = np.exp(-np.abs(z))  # in (0, 1]: no score overflows it
    wrong_side = y * np.maximum(-z, 0) + (1 - y) * np.maximum(z, 0)  # no difference of large numbers
    pull = np.where(z >= 0, (1 - y) - y * e, (1 - y) * e - y)
    return wrong_side + np.log1p(e), pull / (1 + e)


@loss(target="binary")
def hinge(y, z):
    r"""Hinge loss of the linear support vector machine: no loss beyond a margin of 1.

    .. math:: \ell = \max(1 - s z, 0), \qquad \ell' = -s \, [\,s z < 1\,], \qquad s = 2 y - 1

    Parameters
    ----------
    y : array of float, any shape
        Class, 0 or 1.
    z : array of float, the shape of ``y``
        Score; its sign is the predicted class.

    Conventions
    -----------
    ``"hinge"`` in scikit-learn, whose classes are -1 and 1 inside the loss. At a margin of exactly 1 the derivative is
    0; scikit-learn's ``SGDClassifier`` takes ``-s`` there.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, equation 12.25.

    Examples
    --------
    >>> float(hinge.value(0.0, 0.5))
    1.5
    """
    s = 2 * y - 1
    short = np.maximum(1 - s * z, 0)
    return short, -s * np.sign(short)


@loss(target="binary")
def squared_hinge(y, z):
    r"""Squared hinge loss: smooth at the margin, harsher beyond it.

    .. math:: \ell = \max(1 - s z, 0)^2, \qquad \ell' = -2 s \max(1 - s z, 0), \qquad s = 2 y - 1

    Parameters
    ----------
    y : array of float, any shape
        Class, 0 or 1.
    z : array of float, the shape of ``y``
        Score; its sign is the predicted class.

    Conventions
    -----------
    ``"squared_hinge"`` in scikit-learn, and not halved, as there.

    References
    ----------
    Fan, Chang, Hsieh, Wang and Lin (2008), LIBLINEAR: A Library for Large Linear Classification, Journal of Machine
    Learning Research 9, 1871-1874 ("L2-loss").

    Examples
    --------
    >>> float(squared_hinge.value(0.0, 0.5))
    2.25
    """
    s = 2 * y - 1
    short = np.maximum(1 - s * z, 0)
    return short * short, -2 * s * short


@loss(target="binary")
def modified_huber(y, z):
    r"""Modified Huber loss: squared hinge up to a margin of -1, a line beyond, so that outliers pull no harder.

    .. math:: \ell = \begin{cases} \max(1 - s z, 0)^2 & s z \ge -1 \\ -4 s z & \text{otherwise} \end{cases}
              \qquad \ell' = -2 s \min(\max(1 - s z, 0), 2), \qquad s = 2 y - 1

    Parameters
    ----------
    y : array of float, any shape
        Class, 0 or 1.
    z : array of float, the shape of ``y``
        Score; ``(clip(z, -1, 1) + 1) / 2`` estimates the probability of class 1.

    Conventions
    -----------
    ``"modified_huber"`` in scikit-learn.

    References
    ----------
    Zhang (2004), Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent Algorithms,
    Proceedings of the 21st International Conference on Machine Learning.

    Examples
    --------
    >>> float(modified_huber.value(0.0, 2.0))
    8.0
    """
    s = 2 * y - 1
    short = np.maximum(1 - s * z, 0)
    near = np.minimum(short, 2)  # one product for both branches: the square of a large score is never taken
    return near * (2 * short - near), -2 * s * near


# -- several classes


@row_loss(target="classes", inverse_link="softmax")
def softmax(y, z):
    r"""Softmax cross-entropy: the probabilities of a row's classes are ``exp(z)``, divided by their sum.

    .. math:: \ell = \log \sum_k e^{z_k} - \sum_k y_k z_k, \qquad
              \ell'_k = \frac{e^{z_k}}{\sum_j e^{z_j}} - y_k

    Parameters
    ----------
    y : array of float, shape (n, classes)
        One-hot rows, or probabilities that sum to 1 in each row (label smoothing).
    z : array of float, shape (n, classes)
        Logarithms of unnormalised probabilities, in nats.

    Returns
    -------
    value : array of float, shape (n,)
        Loss of each row.
    derivative : array of float, shape (n, classes)
        Derivative of a row's loss with respect to each of its scores.

    Conventions
    -----------
    ``"log_loss"`` in scikit-learn for three classes and more. PyTorch's ``CrossEntropyLoss`` is its mean. The largest
    score of a row is taken out of every sum, so value and derivative keep their relative accuracy where a probability
    rounds to 1. With two classes it is :data:`log` of the difference of the scores.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equations 4.108 and 4.109.

    Examples
    --------
    >>> round(float(softmax.value(np.eye(3), np.zeros((3, 3)))[0]), 6)
    1.098612
    """
    first = np.argmax(z, axis=1)[:, np.newaxis]  # where several scores are largest, the first of them
    distance = np.take_along_axis(z, first, axis=1) - z
    e = np.exp(-distance)
    others = e.copy()
    np.put_along_axis(others, first, 0, axis=1)
    # cumsum adds one class after the other, as a loop does; sum would add in an order of its own.
    rest = np.cumsum(others, axis=1)[:, -1:]
    total = 1 + rest
    # Sum over the other classes, for each class: a safe difference, save for the largest score, where it is `rest`.
    others = total - e
    np.put_along_axis(others, first, rest, axis=1)
    value = np.cumsum(y * distance, axis=1)[:, -1] + np.log1p(rest[:, 0])
    return value, ((1 - y) * e - y * others) / total


ALIASES = {
    "squared_error": squared,
    "absolute_error": absolute,
    "huber": huber,
    "quantile": quantile,
    "pinball": quantile,
    "epsilon_insensitive": epsilon_insensitive,
    "squared_epsilon_insensitive": squared_epsilon_insensitive,
    "poisson": poisson,
    "log_loss": log,
    "hinge": hinge,
    "squared_hinge": squared_hinge,
    "modified_huber": modified_huber,
}
