"""How far a run has come, as named arrays: all that its later updates, and its end, depend on.

Whoever makes the same run again, from the same rows and settings, and puts these arrays back, goes on to the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.averaging import Mean

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_NUMBERS = ("t", "epoch", "cursor", "mean_since", "best_loss", "waited", "grown", "seconds", "stream_rows")


class Progress(ABC):
    """What can be taken while a run is under way, and put back where the same run was begun anew."""

    @abstractmethod
    def take(self) -> Callable[[], dict[str, Array]]:
        """Copy what the next updates change.

        Returns
        -------
        callable
            It gives the arrays, float64 or float32, as they were now. What only grows is cut there, not copied here.
        """

    @abstractmethod
    def put_back(self, arrays: Arrays) -> None:
        """Go to where arrays were taken.

        Raises
        ------
        LookupError, TypeError, ValueError
            They are of another run.
        """


@final
class RunProgress(Progress):
    """Parameters, memory, means, counts, curves, and the patience of a run between two native calls."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def take(self) -> Callable[[], dict[str, Array]]:
        """Copy parameters and memory; the curves are cut when the arrays are asked for."""
        run = self._run
        theta, state, mean = run.theta.copy(), run.state.copy(), run.copied_mean()
        numbers = self._numbers()
        curves, lanes, partial = run._curves, run.model.lanes, list(run.epoch_losses)
        if run.blocks is None:  # they stand where those of the next epoch will
            partial = [(losses.copy(), norms, factors.copy()) for losses, norms, factors in partial]
        epochs, normed, calls = len(curves.losses), len(curves.norms), len(curves.steps)

        def arrays() -> dict[str, Array]:
            found = {
                "theta": theta,
                "state": state,
                "losses": np.reshape(curves.losses[:epochs], (epochs, lanes)),
                "factors": np.array(curves.factors[:epochs], dtype=np.float64),
                "norms": np.reshape(curves.norms[:normed], (normed, lanes)),
                "steps": _joined(curves.steps[:calls], lanes),
                "numbers": np.array([numbers[name] for name in _NUMBERS]),
                "epoch_losses": _joined([part[0] for part in partial], lanes),
                "epoch_norms": _joined([part[1] for part in partial], lanes),
                "epoch_factors": np.concatenate([np.zeros(0), *(part[2] for part in partial)]),
            }
            return found if mean is None else {**found, "mean": mean.values}

        return arrays

    def _numbers(self) -> dict[str, float]:
        run = self._run
        rows = None if run.blocks is None else run.blocks.count
        return {
            "t": run.t,
            "epoch": run.epoch,
            "cursor": run.cursor,
            "mean_since": 0.0 if run.mean is None else run.mean.since,
            "best_loss": run.best_loss,
            "waited": run.waited,
            "grown": run._grown,
            "seconds": run.seconds,
            "stream_rows": -1 if rows is None else rows,
        }

    def put_back(self, arrays: Arrays) -> None:
        """Put the run, made as the other was, to where the other had come."""
        run = self._run
        for name, here in (("theta", run.theta), ("state", run.state)):
            if (arrays[name].dtype, arrays[name].shape) != (here.dtype, here.shape):
                raise ValueError(f"{name} has shape {arrays[name].shape}, the run has {here.shape}")
        lanes = run.model.lanes
        losses, norms, steps = (_curve(arrays[name], lanes) for name in ("losses", "norms", "steps"))
        numbers = dict(zip(_NUMBERS, arrays["numbers"].tolist(), strict=True))
        counts = {name: _count(numbers[name]) for name in ("epoch", "cursor", "waited", "grown")}
        if not (
            0 <= numbers["t"] < np.inf and len(losses) == len(arrays["factors"]) and len(norms) in (0, len(losses))
        ):
            raise ValueError("the counts and the curves do not fit together")
        if (run.mean is None) != ("mean" not in arrays):
            raise ValueError("one of the two runs takes the mean of its iterates")
        if run.mean is not None:
            if arrays["mean"].shape != run.theta.shape:
                raise ValueError("the mean has another shape than the parameters")
            run.mean = Mean(np.array(arrays["mean"], dtype=np.float64), numbers["mean_since"])
        partial = _curve(arrays["epoch_losses"], lanes), _curve(arrays["epoch_norms"], lanes), arrays["epoch_factors"]
        batch, rows = run._loop.batch or run._loop.visited, run._loop.visited
        if run.blocks is None and run.order is None and counts["cursor"] not in range(0, max(rows, 1), batch):
            raise ValueError("it stopped between two batches of other rows")
        if -(-counts["cursor"] // batch) != len(partial[0]):
            raise ValueError("the losses of its last epoch are not those of its updates")
        run.theta, run.state = arrays["theta"].copy(), np.array(arrays["state"], order="C")
        run.t, run.epoch, run.cursor = numbers["t"], counts["epoch"], counts["cursor"]
        run._curves.losses, run._curves.norms = list(losses), list(norms)
        run._curves.factors = arrays["factors"].tolist()
        run._curves.steps = [steps] if len(steps) else []
        run.epoch_losses = [partial] if len(partial[0]) else []
        run.best_loss, run.waited, run._grown = numbers["best_loss"], counts["waited"], counts["grown"]
        run.seconds = numbers["seconds"]
        if run.blocks is not None and run.blocks.count is None and numbers["stream_rows"] >= 0:
            run.blocks.count = int(numbers["stream_rows"])


def _joined(parts: list[Array], lanes: int) -> Array:
    return np.concatenate(parts) if parts else np.zeros((0, lanes))


def _curve(array: Array, lanes: int) -> Array:
    if array.ndim != 2 or array.shape[1] != lanes:
        raise ValueError(f"a curve has shape {array.shape}")
    return np.array(array, dtype=np.float64)


def _count(number: float) -> int:
    if not (number >= 0 and number == int(number)):
        raise ValueError(f"{number} is no count")
    return int(number)
