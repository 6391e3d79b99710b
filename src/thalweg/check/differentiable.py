"""What the gradient doctor asks of an estimator: the function it descends on, as parameters by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class GradientProblem:
    """A function, its gradient and a point.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> number``.
    grad : callable
        ``grad(x) -> gradient`` in the structure of ``x``.
    x : dict of str to ndarray
        Parameters by name.
    """

    fun: Callable[[Any], float]
    grad: Callable[[Any], Any]
    x: dict[str, Array]

    @classmethod
    def of_slices(
        cls,
        fun: Callable[[Array], float],
        grad: Callable[[Array], Array],
        theta: Array,
        places: dict[str, tuple[slice, tuple[int, ...]]],
    ) -> GradientProblem:
        """Make one of functions of a flat vector whose slices have names."""

        def flat(x: dict[str, Array]) -> Array:
            whole = theta.copy()
            for name, (place, _) in places.items():
                whole[place] = x[name].reshape(-1)
            return whole

        def parts(whole: Array) -> dict[str, Array]:
            return {name: whole[place].reshape(shape).copy() for name, (place, shape) in places.items()}

        return cls(lambda x: fun(flat(x)), lambda x: parts(grad(flat(x))), parts(theta))


class Differentiable(ABC):
    """What descends on a function of rows and targets, and can show it."""

    @abstractmethod
    def _gradient_problem(self, X: Any, y: Any, rng: np.random.Generator) -> GradientProblem:
        """Return the function of all rows that a fit descends on, at the fitted parameters, or at drawn ones."""
