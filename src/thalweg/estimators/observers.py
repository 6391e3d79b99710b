"""scikit-learn's callbacks (``sklearn.callback``) on our estimators: a fit is a task, each of its epochs a task in it.

Imported when callbacks have been set: they take longer to load than a small fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from sklearn.callback import CallbackSupportMixin

from thalweg.descent.run import Run

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator


@final
class Observers:
    """A callback of the run that tells scikit-learn's of every epoch.

    A hook that answers true ends the fit after the epoch.

    Parameters
    ----------
    estimator : DescentEstimator
        With callbacks, inside a method that ``sklearn.callback.with_callbacks`` has wrapped.
    epochs : int
        At most.
    X, y : array-like
        As the caller gave them; None where there are no arrays.
    sample_weight : array-like or None
    """

    def __init__(self, estimator: DescentEstimator, epochs: int, X: Any, y: Any, sample_weight: Any) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told: dict[str, Any] = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = CallbackSupportMixin._init_callback_context(estimator, max_subtasks=epochs)
        self._fit.call_on_fit_task_begin(**self._told)
        self._epoch: Any = None
        self._left = epochs
        self._begin()

    def _begin(self) -> None:
        self._left -= 1
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def __call__(self, run: Run) -> bool:
        """End the task of this epoch, and begin that of the next unless there is none."""
        stop = bool(self._epoch.call_on_fit_task_end(**self._told, reconstruction_attributes=_fitted(run)))
        self._epoch = None
        if not (stop or run.ended()) and self._left:
            self._begin()
        return stop

    def end(self, run: Run) -> None:
        """End the task of the fit, with the parameters that it leaves."""
        if self._epoch is not None:  # something else stopped the run before this epoch
            self._epoch.call_on_fit_task_end(estimator=self._told["estimator"])
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes=_fitted(run))


def _fitted(run: Run) -> Callable[[], dict[str, Any]]:
    """Return what an estimator needs in order to predict as after this epoch; made only where somebody asks."""
    return lambda: {"theta_": run.parameters.copy(), "_model": run.model, "_loss": run.settings.loss}
