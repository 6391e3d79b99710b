"""What can be said of any update rule, known or not, from what it did on the tape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.check.tape import ASLEEP, COPY, MIRROR, TWINS, Tape
from thalweg.check.trajectory import Trajectory

Array = NDArray[Any]

ALIKE = 1e-2
"""How far two moves may be apart to be called equal: epsilon has a share in them."""


def properties(trajectory: Trajectory, tape: Tape) -> dict[str, bool | None]:
    """Return what a rule has; None where it cannot be told.

    Parameters
    ----------
    trajectory : Trajectory
        Played on ``tape``, which is the standard one or a part of it.

    Returns
    -------
    dict
        ``finite``: all values are numbers. ``fixed_point``: theta rests while its gradient is zero from the start.
        ``memory``: theta moves on when its gradient has become zero. ``scale_invariant``: gradients a hundred times
        larger make the same steps. ``proportional``: they make steps a hundred times longer. ``sign_symmetric``:
        opposite gradients make opposite steps. ``per_coordinate``: the same gradients make the same steps in two
        arrays.

    Examples
    --------
    >>> from thalweg.check.tape import standard
    >>> from thalweg.check.trajectory import play_rule
    >>> from thalweg.formulas.rules import momentum
    >>> seen = properties(play_rule(momentum, standard()), standard())
    >>> [name for name, value in seen.items() if value]
    ['finite', 'fixed_point', 'memory', 'proportional', 'sign_symmetric', 'per_coordinate']
    """
    moves, noise = trajectory.moves, trajectory.noise
    finite = bool(np.isfinite(moves).all())
    fixed_point = not _moved(moves[:, ASLEEP], noise[:, ASLEEP])
    # With decay, theta moves on without a gradient anyway; memory is then what moves it otherwise than the sleeper.
    quiet = (tape.gradients == 0) & (np.cumsum(np.abs(tape.gradients), axis=0) > 0)
    memory = bool(_moved(moves[quiet], noise[quiet])) if fixed_point else None
    small, large = moves[:, TWINS[4]], moves[:, TWINS[5]]
    return {
        "finite": finite,
        "fixed_point": fixed_point,
        "memory": memory,
        "scale_invariant": _alike(small, large, noise[:, TWINS[5]]) if fixed_point else None,
        "proportional": _alike(100 * small, large, 100 * noise[:, TWINS[5]]) if fixed_point else None,
        "sign_symmetric": _alike(moves[:, MIRROR[0]], -moves[:, MIRROR[1]], noise[:, MIRROR[0]]),
        "per_coordinate": _alike(moves[:, COPY[0]], moves[:, COPY[1]], noise[:, COPY[0]]),
    }


def _moved(moves: Array, noise: Array) -> bool:
    return bool(np.any(~(np.abs(moves) <= noise)))


def _alike(a: Array, b: Array, noise: Array) -> bool | None:
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    size = np.maximum(np.abs(a), np.abs(b))
    return bool(np.all(np.abs(a - b) <= ALIKE * size + noise))
