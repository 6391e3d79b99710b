"""What the estimators take from scikit-learn, imported without what nothing here uses.

scikit-learn's base loads ``scipy.stats`` for one function, ``scipy.special`` for two and pandas for one name: two
thirds of the time that a first fit takes. Here they wait until something is asked of them.
"""

from __future__ import annotations

from thalweg.exchange.postponed import postponed

with postponed("pandas", "scipy.special", "scipy.stats"):
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils._param_validation import InvalidParameterError
    from sklearn.utils.class_weight import compute_class_weight
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "ConvergenceWarning",
    "InvalidParameterError",
    "RegressorMixin",
    "_check_sample_weight",
    "available_if",
    "check_classification_targets",
    "check_is_fitted",
    "clone",
    "column_or_1d",
    "compute_class_weight",
    "validate_data",
]
