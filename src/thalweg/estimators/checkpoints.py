"""Checkpoints of fits: which fit it is, by all that its bits depend on, and what goes into the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thalweg.descent.blocks import Blocks
from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.progress import Progress, RunProgress
from thalweg.descent.record import plain
from thalweg.descent.run import Run
from thalweg.exchange import layers
from thalweg.exchange.checkpoints import Identity, Keeper, Kept, digest
from thalweg.formulas.formula import Formula

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
    settings = _settings(run) | {"estimator": type(estimator).__name__, "features": run.model.n_features}
    if aside is not None:
        parts["validation"] = aside
        settings["validation"] = {name: plain(getattr(estimator, name)) for name in ("tol", "n_iter_no_change")}
        settings["scoring"] = _named(estimator.scoring)
    if continuing:
        mean = None if run.mean is None else run.mean.values
        start = digest(iter([run.theta, run.state, mean]))
        settings["start"] = {"checksum": start, "t": run.t, "epoch": run.epoch}
    return Keeper(checkpoint, run, parts, _identity(run, settings, aside), kept)


def _settings(run: Run) -> dict[str, Any]:
    """Return as plain data what a run is told, with the fingerprints of its formulas."""
    told = run.settings
    formulas = [told.optimizer, told.loss, told.schedule, *told.layer_penalties(len(run.model.weights))]
    prints = [each.fingerprint for each in formulas if isinstance(each, Formula)]
    settings: dict[str, Any] = plain(told.as_dict())
    return settings | {"formulas": prints, "model": layers.describe(run.model), "dtype": str(run.dtype)}


def _named(scoring: Any) -> str | None:
    """Return the name of a scorer; of a function that where it stands."""
    if scoring is None or isinstance(scoring, str):
        return scoring
    return f"{getattr(scoring, '__module__', '')}.{getattr(scoring, '__qualname__', type(scoring).__qualname__)}"


def _identity(run: Run, settings: dict[str, Any], aside: Validation | None) -> Identity:
    rows, held = run.rows, None if aside is None else aside.held
    given = [rows.X, rows.targets, rows.weights, rows.values, rows.indices, rows.indptr]
    size = sum(array.nbytes for array in given)

    def every() -> Iterator[Any]:
        yield from given
        if held is not None:
            yield from (held.X, held.targets, held.weights)

    if not isinstance(run.blocks, Blocks):
        return Identity(run.root, settings, lambda: digest(every()), size)
    # The rows of a block are in a buffer that the next but one takes, so that these are looked at now.
    found = digest(every())
    stream = {"rows": run.blocks.count, "block": run.blocks.size}
    return Identity(run.root, settings | {"stream": stream}, lambda: found, size)
