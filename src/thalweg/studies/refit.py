"""The winner of a comparison as a scikit-learn estimator that takes rows as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.descent.models import Network

if TYPE_CHECKING:
    from thalweg.studies.comparison import Comparison
    from thalweg.studies.study import Study


def best_estimator(comparison: Comparison) -> Any:
    """Return the best rule at its best rate, fitted on training and validation part; see :class:`Comparison`."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    study = comparison.study
    model: Any = make_pipeline(*_preparation(study), _estimator(comparison))
    if study.outputs.scale != 1.0:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return model.fit(*_rows(study))


def _estimator(comparison: Comparison) -> Any:
    """Return the estimator of ours, not fitted."""
    from thalweg import estimators

    study, settings = comparison.study, comparison.settings
    told: dict[str, Any] = {
        "optimizer": comparison.best_arm.rule,
        "loss": settings.loss,
        "penalty": settings.penalty,
        "schedule": settings.schedule,
        "batch_size": settings.batch_size,
        "max_iter": settings.max_iter,
        "clip_value": settings.clip_value,
        "clip_norm": settings.clip_norm,
        "tol": None,
        "random_state": comparison.results.plan.seeds[0],
    }
    kind = "Classifier" if study.outputs.classes else "Regressor"
    if isinstance(study.model, Network):
        told |= {
            "hidden_layer_sizes": study.hidden,
            "activation": list(study.model.hidden_activations),
            "dropout": list(study.model.dropout) or 0.0,
        }
        made: Any = getattr(estimators, f"MLP{kind}")
    else:
        told["fit_intercept"] = study.model.fit_intercept
        made = getattr(estimators, f"Linear{kind}")
    return made(**told)


def _preparation(study: Study) -> list[Any]:
    """Return what the comparison did to the columns, as scikit-learn's transformers."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    dtype = FunctionTransformer(np.asarray, kw_args={"dtype": study.dtype}, accept_sparse=True)
    if study.preparation is None:
        if not study.scales.size:
            return []
        sparse = hasattr(study.parts["train"].X, "tocsr")
        return [StandardScaler(with_mean=not sparse)] + ([] if sparse or study.dtype == "float64" else [dtype])
    kinds = list(study.preparation.kinds.items())
    named = study.frame is not None
    numbers = [name if named else k for k, (name, kind) in enumerate(kinds) if kind == "number"]
    texts = [name if named else k for k, (name, kind) in enumerate(kinds) if kind != "number"]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return [
        make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), numbers), (encoder, texts)),
        dtype,
    ]


def _rows(study: Study) -> tuple[Any, Any]:
    """Return the rows of training and validation part as they came."""
    y = np.concatenate([study.parts[part].y for part in ("train", "validation")])
    parts = [study.raw(part) for part in ("train", "validation")]
    if study.frame is not None:
        import narwhals as nw

        return nw.concat(parts).to_native(), y
    if hasattr(parts[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(parts).tocsr(), y
    return np.concatenate(parts), y
