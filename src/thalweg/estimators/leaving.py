"""The ways out of this library: a fitted estimator as scikit-learn's, PyTorch's or ONNX's."""

from __future__ import annotations

from abc import ABC
from typing import Any

from numpy.typing import NDArray

from thalweg.descent.models import Model
from thalweg.estimators.contract import check_is_fitted
from thalweg.formulas.formula import Loss


class Leaving(ABC):
    """What a fitted estimator can become elsewhere; its own file is written by :func:`thalweg.save`."""

    theta_: NDArray[Any]
    _model: Model
    _loss: Loss

    def to_sklearn(self) -> Any:
        """Return scikit-learn's own estimator with these weights: the same predictions, without this library.

        How it was trained (rule, penalty, batches) is not carried over.

        Returns
        -------
        SGDRegressor, SGDClassifier, LogisticRegression, MLPRegressor or MLPClassifier
            ``LogisticRegression`` where the loss is softmax, whose probabilities ``SGDClassifier`` has not.

        Raises
        ------
        SettingError
            SKLEARN-LOSS, SKLEARN-ACTIVATION, SKLEARN-OUTPUTS: what scikit-learn's estimator has not, by name.
        """
        from thalweg.exchange.sklearn import estimator

        check_is_fitted(self)
        held = vars(self)
        names, several = held.get("feature_names_in_"), bool(held.get("_multilabel"))
        classes = held.get("classes_")
        return estimator(self._model, self.theta_, self._loss, classes=classes, several=several, names=names)

    def to_torch(self) -> Any:
        """Return a module of PyTorch with these weights, made of its own layers.

        Returns
        -------
        torch.nn.Sequential
            From rows (n, features) to scores (n, outputs) before the inverse link, in the type of the weights: what
            ``decision_function`` gives, and PyTorch's losses take.

        Raises
        ------
        SettingError
            TORCH-ACTIVATION: an activation that PyTorch has not. TORCH-MISSING: it is not installed.
        """
        from thalweg.exchange.torch import module

        check_is_fitted(self)
        return module(self._model, self.theta_)

    def to_onnx(self, dtype: str | None = None) -> Any:
        """Return an ONNX graph with the input ``X``; see :func:`thalweg.estimators.onnx.to_onnx`.

        Parameters
        ----------
        dtype : {"float64", "float32"}, optional
            Of ``X``, computing and what comes out; that of the weights when left out.

        Returns
        -------
        onnx.ModelProto
        """
        from thalweg.estimators.onnx import to_onnx

        return to_onnx(self, dtype)  # type: ignore[arg-type] # the estimators are all that is made of this
