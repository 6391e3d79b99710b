"""What the estimators take from scikit-learn, imported without what nothing here uses.

scikit-learn's base loads ``scipy.stats`` for one function, ``scipy.special`` for two and pandas for one name: two
thirds of the time that a first fit takes. Here they wait until something is asked of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, final


@final
class _Postponed(ModuleType):
    """Stands for a module in the names of those who imported it, and asks it when it is asked."""

    def __getattr__(self, name: str) -> Any:
        _restore(self)
        return getattr(import_module(self.__name__), name)


def _restore(stand_in: ModuleType) -> None:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """Let imports of these modules succeed without loading them, unless they are loaded or not installed.

    Whoever imports one meanwhile holds a stand-in, which loads the module when it is first used. Afterwards the modules
    are as if nobody had imported them: the next import finds the real ones.
    """
    waiting = [_Postponed(name) for name in names if name not in sys.modules and find_spec(name) is not None]
    sys.modules.update((stand_in.__name__, stand_in) for stand_in in waiting)
    try:
        yield
    finally:
        for stand_in in waiting:
            _restore(stand_in)


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
