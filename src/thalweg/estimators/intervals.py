"""Prediction intervals by quantile regression: several quantiles of the target, each by an estimator of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.contract import BaseEstimator, RegressorMixin, check_is_fitted, clone, column_or_1d
from thalweg.estimators.linear import LinearRegressor
from thalweg.estimators.network import MLPRegressor
from thalweg.formulas.losses import quantile
from thalweg.formulas.ranges import check_number

Array = NDArray[Any]


@final
class IntervalRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    r"""Quantiles of the target given the features, and the intervals between them.

    .. math:: \hat q_k = \arg\min_q \sum_i s_i \, \max\bigl((\tau_k - 1)(y_i - q(x_i)), \;
              \tau_k (y_i - q(x_i))\bigr)

    One copy of the estimator is fitted for each quantile. Quantiles that are fitted apart may cross; those of a row are
    put in order, which brings them no further from the true ones (Chernozhukov et al. 2010).

    Parameters
    ----------
    estimator : LinearRegressor or MLPRegressor, optional
        Copied for each quantile, with ``losses.quantile`` for its loss; a ``LinearRegressor()`` without.
    quantiles : sequence of float in (0, 1)
        Rising. The first and the last bound the interval, which (0.05, 0.5, 0.95) makes one for nine of ten targets.
    n_jobs : int, optional
        Threads, as in joblib.

    Attributes
    ----------
    estimators_ : list of LinearRegressor or of MLPRegressor
        One for each quantile.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where ``X`` has names.

    Notes
    -----
    The share of new targets that fall into the interval comes near what the quantiles say as rows become many, and is
    less where a model with many parameters follows the rows closely: look at it on rows apart.

    References
    ----------
    Koenker and Bassett (1978), Regression Quantiles, Econometrica 46(1), 33-50. Chernozhukov, Fernandez-Val and
    Galichon (2010), Quantile and probability curves without crossing, Econometrica 78(3), 1093-1125, proposition 4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(1, 3, (2000, 1))
    >>> y = X[:, 0] * (5 + rng.standard_normal(2000))  # the wider, the larger x
    >>> model = IntervalRegressor(LinearRegressor(learning_rate=0.05, schedule="cosine", max_iter=200, tol=None))
    >>> low, high = model.fit(X, y).predict_interval([[1.0], [3.0]]).T
    >>> round(float((high - low)[1] / (high - low)[0]))
    3
    """

    def __init__(
        self,
        estimator: LinearRegressor | MLPRegressor | None = None,
        *,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.quantiles = quantiles
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._template().__sklearn_tags__().input_tags.sparse
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit one estimator for each quantile.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
        X_val, y_val, sample_weight_val : array-like, optional
            Rows for the ``early_stopping`` of the estimators.

        Returns
        -------
        self

        Raises
        ------
        SettingError
            Quantiles that do not rise between 0 and 1, or another estimator.
        DivergedError
            As of :meth:`LinearRegressor.fit`.
        """
        from sklearn.utils.parallel import Parallel, delayed

        levels, template = self._levels(), self._template()
        if y is not None:
            y = column_or_1d(y, warn=True)
        apart = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}

        def fitted(level: float) -> Any:
            callbacks = told.checkpoint_apart(template.callbacks, f"{level:g}")
            own = {"loss": quantile(quantile=level), "callbacks": callbacks or None}
            return clone(template).set_params(**own).fit(X, y, sample_weight, **apart)

        parallel = Parallel(n_jobs=self.n_jobs, prefer="threads")
        self.estimators_ = parallel(delayed(fitted)(level) for level in levels)
        self._learn_features()
        return self

    def _learn_features(self) -> None:
        """Know the features that the estimators know."""
        self.__dict__.pop("feature_names_in_", None)
        for name in ("n_features_in_", "feature_names_in_"):
            if name in vars(self.estimators_[0]):
                setattr(self, name, getattr(self.estimators_[0], name))

    def predict_quantiles(self, X: Any) -> Array:
        """Predict all quantiles.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n, n_quantiles)
            Rising in each row.
        """
        check_is_fitted(self)
        return np.asarray(np.sort(np.column_stack([one.predict(X) for one in self.estimators_]), axis=1))

    def predict_interval(self, X: Any) -> Array:
        """Predict the lowest and the highest quantile.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n, 2)
        """
        return self.predict_quantiles(X)[:, [0, -1]]

    def predict(self, X: Any) -> Array:
        """Predict the quantile that is nearest to the median.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray (n,)
        """
        middle = int(np.abs(np.array(self._levels()) - 0.5).argmin())
        return self.predict_quantiles(X)[:, middle]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over the quantiles of D squared: the share of the quantile loss of a constant that is saved.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            1 at best; 0 for the quantiles of ``y`` itself.
        """
        from sklearn.metrics import d2_pinball_score

        levels = self._levels()
        saved = [
            d2_pinball_score(y, predicted, alpha=level, sample_weight=sample_weight)
            for level, predicted in zip(levels, self.predict_quantiles(X).T, strict=True)
        ]
        return float(np.mean(saved))

    def _template(self) -> LinearRegressor | MLPRegressor:
        if self.estimator is None:
            return LinearRegressor()
        given: Any = self.estimator
        if not isinstance(given, LinearRegressor | MLPRegressor):
            what = f"must be a LinearRegressor or an MLPRegressor, got {type(given).__name__}"
            raise SettingError("SETTING-TYPE", "estimator", what)
        return given

    def _levels(self) -> list[float]:
        given: Any = self.quantiles
        if not isinstance(given, list | tuple | np.ndarray) or len(given) == 0:
            what = f"must be numbers in (0, 1), got {type(given).__name__} {given!r:.40}"
            raise SettingError("SETTING-TYPE", "quantiles", what)
        levels = [float(check_number("quantiles", level, "(0, 1)")) for level in given]
        if any(one >= other for one, other in pairwise(levels)):
            raise SettingError("SETTING-RANGE", "quantiles", f"must rise, got {', '.join(map(str, levels))[:60]}")
        return levels
