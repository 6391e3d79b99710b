"""The checkpoint of ``thalweg train``: beside the model file while it learns, and gone when the model is written."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.progress import Arrays, Progress, RunProgress
from thalweg.errors import StorageError
from thalweg.exchange.checkpoints import Identity, Keeper, Kept, read, remove
from thalweg.exchange.files import clear_parts

if TYPE_CHECKING:
    from thalweg.descent.run import Run
    from thalweg.studies.prepared import Prepared


@final
class Keeping:
    """What is kept of one training.

    Parameters
    ----------
    output, record : Path
        The model file, and the account of the training; the checkpoint stands beside them.
    every : float
        Seconds from one to the next.
    restart : bool
        Remove one that is there.

    Raises
    ------
    StorageError
        As :func:`thalweg.exchange.checkpoints.read`.
    """

    def __init__(self, output: Path, record: Path, every: float, *, restart: bool) -> None:
        self._checkpoint = Checkpoint(output.with_name(f"{output.name}.checkpoint"), every)
        self.path = self._checkpoint.files[0]
        self._written = output, record
        if restart:
            remove(self._checkpoint)
        with _warnings_told(), _restart_named():
            self._kept: Kept | None = read(self._checkpoint)

    def during(self, study: Prepared, run: Run, losses: list[float]) -> AbstractContextManager[object]:
        """Put the run, and the losses on the validation part, back to where they had come, and keep what follows."""
        from thalweg.cli.terminal import note

        given = {**study.account(), "table": Path(study.name).name}
        del given["warnings"]
        identity = Identity.of(run, {"command": "train", "data": given}, study.identity())
        with _warnings_told(), _restart_named():
            keeper = Keeper(
                self._checkpoint,
                run,
                {"run": RunProgress(run), "validation": _Losses(losses)},
                identity,
                self._kept,
                remove=False,
            )
        if self._kept is not None:
            note([f"goes on after epoch {run.epoch}, from {self.path}"])
        return self._interruptible(keeper)

    @contextlib.contextmanager
    def _interruptible(self, keeper: Keeper) -> Iterator[None]:
        try:
            with keeper:
                yield
        except KeyboardInterrupt:
            if any(path.exists() for path in self._checkpoint.files):
                what = f"what was learned is kept in {self.path}: the same command goes on from there"
            else:
                what = f"nothing is kept: a checkpoint is made after {self._checkpoint.every:g} s of learning"
            raise KeyboardInterrupt(what) from None

    def done(self) -> None:
        """Remove the files, and what kills have left of others: the model is written, or will never be."""
        remove(self._checkpoint)
        for path in self._written:
            clear_parts(path)


@final
class _Losses(Progress):
    """A list of losses, one for each epoch."""

    def __init__(self, losses: list[float]) -> None:
        self._losses = losses

    def take(self) -> Callable[[], dict[str, NDArray[Any]]]:
        """Remember how many there are."""
        count = len(self._losses)
        return lambda: {"losses": np.array(self._losses[:count], dtype=np.float64)}

    def put_back(self, arrays: Arrays) -> None:
        """Take those that were."""
        self._losses[:] = arrays["losses"].tolist()


@contextlib.contextmanager
def _warnings_told() -> Iterator[None]:
    from thalweg.cli.terminal import warn

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    warn([str(each.message) for each in caught])


@contextlib.contextmanager
def _restart_named() -> Iterator[None]:
    """Name the option that begins anew, where a checkpoint cannot be gone on from."""
    try:
        yield
    except StorageError as error:
        if error.code not in {"STORE-MISMATCH", "STORE-CORRUPT"}:
            raise
        hint = "The command that it is of goes on from it. To begin anew: --restart, or another --output."
        raise StorageError(error.code, error.where, error.what, hint) from error
