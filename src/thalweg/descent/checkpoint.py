"""Where and how often a fit keeps how far it has come. The files are written in `thalweg.exchange.checkpoints`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from thalweg.errors import SettingError
from thalweg.formulas.ranges import check_number

_OLDER = ".older"


@final
@dataclass(frozen=True)
class Checkpoint:
    """Keep how far a fit has come, and go on from there when the same fit is made again.

    Among an estimator's ``callbacks`` it writes a file while ``fit`` runs. Where that ends before its time - an
    interrupt, an error, a kill, a loss of power - the same call again goes on from the file and comes to the same
    bits as a fit that nothing has stopped. The files are removed when the fit has ended by itself: save the model.

    Parameters
    ----------
    path : path-like
        The file. The one before it is kept beside it, with ``.older`` behind the name, until a newer one is written;
        it is used when the newest is damaged.
    every : float > 0
        Seconds from one file to the next, at the least. They are further apart where a file would otherwise take
        more than a hundredth of the time; a shorter fit leaves none.

    Raises
    ------
    SettingError
        A path that is none, or seconds that are not above 0.

    Notes
    -----
    A file has parameters, memory and mean of the iterates, curves, counts, patience, best weights of early stopping,
    the root of randomness (which a ``random_state`` of None takes from it), and SHA-256 of settings and rows. Of a
    stream the first rows and their number are compared before the fit goes on, and every block before it is learned
    from: all its targets and weights, and its features, of which large blocks have a 64th looked at. Callbacks are not
    in it: they are called from where the fit goes on.

    It is written between native calls: at the ends of epochs, between the blocks of a stream, and within epochs that
    take longer than about a quarter of a second. Use one path for one fit at a time.

    Examples
    --------
    >>> from thalweg import Checkpoint, LinearRegressor
    >>> Checkpoint("line.checkpoint").every
    10.0
    >>> line = LinearRegressor(callbacks=Checkpoint("line.checkpoint"))
    """

    path: str | os.PathLike[str]
    every: float = 10.0

    def __post_init__(self) -> None:
        given: Any = self.path
        if not isinstance(given, str | os.PathLike) or not os.fspath(given):
            what = f"must be a path, got {type(given).__name__} {given!r:.40}"
            raise SettingError("SETTING-TYPE", "path", what)
        check_number("every", self.every, "(0, inf)")

    @property
    def files(self) -> tuple[Path, Path]:
        """The newest, and the one before it."""
        path = Path(self.path)
        return path, path.with_name(path.name + _OLDER)
