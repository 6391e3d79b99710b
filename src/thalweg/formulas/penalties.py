# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
r"""Penalties: what large weights cost, one weight at a time.

A penalty gives ``(value, derivative)`` for one weight; a run minimises the mean loss over the rows plus the sum of the
penalty over the weights. Biases are exempt unless a run is told otherwise. ``alpha`` is the strength, in units of loss,
and does not depend on the number of rows. A penalty is part of the objective, so its derivative goes through the rule's
moments; ``weight_decay`` of a rule is another thing: it shrinks the weights beside the rule.

A penalty with a kink has a *proximal step* as well: the weight that minimises penalty plus squared distance from ``w``,
which reaches zero exactly where a derivative can only hover around it.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import penalty

__all__ = ["elastic_net", "l1", "l2"]


@penalty
def l2(w, *, alpha=1e-4):
    r"""Ridge penalty: weights shrink in proportion to themselves.

    .. math:: p = \alpha w^2 / 2, \qquad p' = \alpha w

    Parameters
    ----------
    w : array of float, any shape
        Weights.
    alpha : float >= 0
        Strength.

    Conventions
    -----------
    ``penalty="l2"`` of scikit-learn's ``SGDClassifier`` and ``SGDRegressor``. Their ``MLPClassifier`` divides ``alpha``
    by the number of rows in a batch; ``Ridge`` adds ``alpha * w**2`` to a sum (not a mean) of squares that is not
    halved, so its ``alpha`` is ``n`` times this one; ``C`` of ``LogisticRegression`` is ``1 / (n * alpha)``. The
    ``weight_decay`` of PyTorch's ``SGD`` and ``Adam`` adds the same derivative.

    References
    ----------
    Hoerl and Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems, Technometrics 12(1),
    55-67.

    Examples
    --------
    >>> float(l2(alpha=0.5).value(4.0))
    4.0
    """
    return alpha * w * w / 2, alpha * w


@penalty
def l1(w, *, alpha=1e-4):
    r"""Lasso penalty: all weights shrink alike, the useless ones to zero.

    .. math:: p = \alpha |w|, \qquad p' = \alpha \operatorname{sign}(w)

    Its proximal step moves a weight by ``step * alpha`` towards zero and stops there (soft thresholding):

    .. math:: \operatorname{prox}(w) = \operatorname{sign}(w) \max(|w| - \text{step} \cdot \alpha, 0)

    Parameters
    ----------
    w : array of float, any shape
        Weights.
    alpha : float >= 0
        Strength.

    Conventions
    -----------
    ``penalty="l1"`` of scikit-learn's ``SGDClassifier``, and ``alpha`` of ``Lasso``, whose squares are halved as
    :data:`thalweg.formulas.losses.squared` is. The derivative at 0 is 0.

    References
    ----------
    Tibshirani (1996), Regression Shrinkage and Selection via the Lasso, Journal of the Royal Statistical Society B
    58(1). Proximal step: Parikh and Boyd (2014), Proximal Algorithms, section 6.5.

    Examples
    --------
    >>> float(l1(alpha=0.5).value(-4.0))
    2.0
    """
    return alpha * np.abs(w), alpha * np.sign(w)


@l1.proximal  # type: ignore[no-redef]
def l1(w, step, *, alpha):
    """Soft thresholding."""
    return np.sign(w) * np.maximum(np.abs(w) - step * alpha, 0)


@penalty
def elastic_net(w, *, alpha=1e-4, l1_ratio=0.15):
    r"""Elastic net: a share of the lasso penalty, the rest ridge; groups of correlated columns stay together.

    .. math:: p = \alpha \bigl(\rho |w| + (1 - \rho) w^2 / 2\bigr), \qquad
              p' = \alpha \bigl(\rho \operatorname{sign}(w) + (1 - \rho) w\bigr)

    Its proximal step is that of the lasso part, divided by that of the ridge part:

    .. math:: \operatorname{prox}(w) = \frac{\operatorname{sign}(w) \max(|w| - \text{step} \cdot \alpha \rho, 0)}
                                            {1 + \text{step} \cdot \alpha (1 - \rho)}

    Parameters
    ----------
    w : array of float, any shape
        Weights.
    alpha : float >= 0
        Strength.
    l1_ratio : float in [0, 1]
        Share of the lasso penalty, :math:`\rho`: 0 is :data:`l2`, 1 is :data:`l1`.

    Conventions
    -----------
    ``penalty="elasticnet"`` of scikit-learn's ``SGDClassifier``, and ``ElasticNet``. The derivative at 0 is 0.

    References
    ----------
    Zou and Hastie (2005), Regularization and Variable Selection via the Elastic Net, Journal of the Royal Statistical
    Society B 67(2), 301-320. Proximal step: Parikh and Boyd (2014), Proximal Algorithms, section 6.5.

    Examples
    --------
    >>> float(elastic_net(alpha=0.5, l1_ratio=0.5).value(-4.0))
    3.0
    """
    ridge = (1 - l1_ratio) * w
    return alpha * (l1_ratio * np.abs(w) + ridge * w / 2), alpha * (l1_ratio * np.sign(w) + ridge)


@elastic_net.proximal  # type: ignore[no-redef]
def elastic_net(w, step, *, alpha, l1_ratio):
    """Soft thresholding by the lasso part, then a division by the ridge part."""
    return np.sign(w) * np.maximum(np.abs(w) - step * (alpha * l1_ratio), 0) / (1 + step * (alpha * (1 - l1_ratio)))
