"""The winner of a comparison as a scikit-learn estimator that takes rows as they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.descent.models import Network
from thalweg.errors import SettingError
from thalweg.exchange.frames import cells

if TYPE_CHECKING:
    from thalweg.studies.comparison import Comparison
    from thalweg.studies.study import Study


def best_estimator(comparison: Comparison) -> Any:
    """Return the best rule at its best rate, fitted anew; see :meth:`Comparison.best_estimator`."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    study = comparison.study
    model: Any = make_pipeline(*_preparation(study), _estimator(comparison))
    if study.outputs.scale != 1.0:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    parts = ("train",) if study.own_validation else ("train", "validation")
    return model.fit(study.raw(*parts), _target(study, parts))


def _estimator(comparison: Comparison) -> Any:
    """Return the estimator of ours, not fitted: the best arm's model and settings, its rule at its best rate."""
    from thalweg import estimators

    study = comparison.study
    model, settings = comparison.best_arm.told(study.model, comparison.settings)
    kind = "Classifier" if study.outputs.classes else "Regressor"
    made: Any = getattr(estimators, f"MLP{kind}" if isinstance(model, Network) else f"Linear{kind}")()
    known = made.get_params(deep=False)
    told = {name: value for name, value in vars(settings).items() if name in known}
    mean = settings.average
    told["average"] = False if mean is None else mean.decay or mean.start
    told["random_state"] = comparison.results.plan.seeds[0]
    if isinstance(model, Network):
        told |= {
            "hidden_layer_sizes": model.layer_sizes[1:-1],
            "activation": model.hidden_activations,
            "dropout": model.dropout or 0.0,
            "initialisation": model.initialisation,
        }
    else:
        told["fit_intercept"] = model.fit_intercept
    return made.set_params(**told)


def _preparation(study: Study) -> list[Any]:
    """Return what the comparison did to the columns, as scikit-learn's transformers."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    typed = FunctionTransformer(typed_as, kw_args={"dtype": study.dtype}, accept_sparse=True)
    if study.preparation is None:
        sparse = hasattr(study.parts["train"].X, "tocsr")
        return [*([StandardScaler(with_mean=not sparse)] if study.scales.size else []), typed]
    names, kinds = (list(each) for each in zip(*study.preparation.kinds.items(), strict=True))
    numbers = [k for k, kind in enumerate(kinds) if kind == "number"]
    texts = [k for k, kind in enumerate(kinds) if kind == "text"]
    scaled = make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0))  # 0 is the mean
    encoded = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return [
        FunctionTransformer(cells, kw_args={"names": names, "kinds": kinds}),
        make_column_transformer((scaled, numbers), (encoded, texts)),
        typed,
    ]


def typed_as(X: Any, dtype: str) -> Any:
    """Return rows in the type of the model: the same rows where they have it."""
    return X.astype(dtype, copy=False) if hasattr(X, "astype") else np.asarray(X, dtype=dtype)


def _target(study: Study, parts: Sequence[str]) -> Any:
    """Return the target of some parts as it came."""
    y = np.concatenate([study.parts[part].y for part in parts])
    if not study.outputs.classes or y.dtype != np.float64:
        return y
    if study.labels is not None:
        return y.astype(study.labels)
    if bool((y == np.floor(y)).all()):
        return y.astype(np.int64)
    what = f"scikit-learn's classifiers take no labels such as {y[y != np.floor(y)][0]:g}"
    raise SettingError("SETTING-LABELS", "y", what, "Make them text or integers.")
