"""Checkpoints of fits: which fit it is, by all that its bits depend on, and what goes into the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.progress import Progress, RunProgress
from thalweg.descent.record import plain
from thalweg.descent.run import Run
from thalweg.exchange.checkpoints import Identity, Keeper, Kept, digest

if TYPE_CHECKING:
    from thalweg.estimators.base import DescentEstimator
    from thalweg.estimators.validation import Validation


def keeper(
    checkpoint: Checkpoint,
    kept: Kept | None,
    estimator: DescentEstimator,
    run: Run,
    aside: Validation | None,
    *,
    continuing: bool,
) -> Keeper:
    """Return what keeps checkpoints of a fit that is about to begin, or has been put back to where one was made.

    Parameters
    ----------
    checkpoint : Checkpoint
    kept : Kept or None
        What it has read.
    estimator : DescentEstimator
    run : Run
    aside : Validation or None
    continuing : bool
        The fit goes on from another, so that its start is more than its random state.

    Raises
    ------
    StorageError
        As :class:`~thalweg.exchange.checkpoints.Keeper`.
    """
    parts: dict[str, Progress] = {"run": RunProgress(run)}
    settings: dict[str, Any] = {"estimator": type(estimator).__name__, "features": run.model.n_features}
    if aside is not None:
        parts["validation"] = aside
        settings["validation"] = {name: plain(getattr(estimator, name)) for name in ("tol", "n_iter_no_change")}
        settings["scoring"] = _named(estimator.scoring)
    if continuing:
        mean = None if run.mean is None else run.mean.values
        start = digest([run.theta, run.state, mean])
        settings["start"] = {"checksum": start, "t": run.t, "epoch": run.epoch}
    held = None if aside is None else aside.held
    others = [] if held is None else [held.X, held.targets, held.weights]
    return Keeper(checkpoint, run, parts, Identity.of(run, settings, others), kept)


def _named(scoring: Any) -> str | None:
    """Return the name of a scorer; of a function that where it stands."""
    if scoring is None or isinstance(scoring, str):
        return scoring
    return f"{getattr(scoring, '__module__', '')}.{getattr(scoring, '__qualname__', type(scoring).__qualname__)}"
