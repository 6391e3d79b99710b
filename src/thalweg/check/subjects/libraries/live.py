"""An optimizer of a library, as an object: made anew with its own settings, and stepped along the tape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects.subject import CannotRun, Subject
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory
from thalweg.check.verdict import Verdict

Array = NDArray[Any]
Arrays = list[Array]
Stepper = Callable[[Arrays, float], Arrays]
"""One update: gradients, one per array, and a factor on the learning rate; returns the parameters after it."""
Start = Callable[[Arrays], Stepper]
"""Makes the optimizer anew for parameters that start at these arrays."""


@final
@dataclass(frozen=True, kw_only=True)
class Live(Subject):
    """An optimizer of a library, by a name as one would write it, such as ``torch.optim.Adam``.

    Parameters
    ----------
    start : callable
        Makes it anew for parameters that start at given arrays.
    context : callable
        Returns the context in which it is made and stepped, such as one with arithmetic in float64.
    """

    start: Start
    context: Callable[[], AbstractContextManager[object]] = nullcontext

    def judged(self, verdict: Verdict) -> Verdict:
        """Call no rule wrong that a library has under a name of its own: what it does is what it is meant to do."""
        if verdict.kind != "wrong" or self.hint is not None or self.source is not None:
            return verdict
        found = ", ".join(finding.title for finding in verdict.mistakes)
        note = f"a rule of its own; it does what {verdict.rule} would do if {found}"
        nothing = replace(verdict, rule=None, mistakes=(), conventions=(), arrays=(), mapping={})
        return replace(nothing, kind="unknown", note=note)

    def play(self, tape: Tape) -> Trajectory:
        """Step a fresh copy along the tape.

        Raises
        ------
        CannotRun
            The optimizer itself refuses, in its own words.
        """
        thetas = [tape.theta0]
        with self.context(), np.errstate(all="ignore"), _refusals():
            step = self.start(tape.split(tape.theta0))
            for g, factor in zip(tape.gradients, tape.rates, strict=True):
                thetas.append(tape.join(step(tape.split(g), float(factor))))
        return Trajectory(np.stack(thetas))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn whatever an optimizer raises into the answer that it cannot run."""
    try:
        yield
    except CannotRun:
        raise
    except Exception as error:
        said = str(error).strip().splitlines() or [""]
        raise CannotRun(f"{type(error).__name__}: {said[0][:200]}") from error


def fresh(kind: Callable[..., Any], **settings: Any) -> Any:
    """Make an object of a class with its defaults.

    Raises
    ------
    CannotRun
        It needs what only its user knows.
    """
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise CannotRun(f"{kind.__name__} cannot be made without its arguments: give an instance") from error


def double_in_jax(jax: Any) -> AbstractContextManager[object]:
    """Return JAX's context for float64, which newer versions have at their top."""
    made: AbstractContextManager[object] = (
        jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64()
    )
    return made


def loaded(module: str) -> Any:
    """Return a module if somebody has imported it already, else None: an object of a library means that it is there."""
    return sys.modules.get(module)


def left_out(names: Sequence[str]) -> str:
    """Say what surrounds a rule and was not played.

    Examples
    --------
    >>> left_out(["clipnorm", "its schedule"])
    'played without clipnorm and its schedule'
    """
    return f"played without {' and '.join(names)}" if names else ""


def known(settings: Mapping[str, Any], roles: Mapping[str, str | Sequence[str]]) -> dict[str, float]:
    """Return the settings that are numbers, by the names of our rules.

    Parameters
    ----------
    settings : mapping
        By the library's names.
    roles : mapping
        Our name, or names, for each of the library's; several names where one number plays several roles, and a tuple
        of numbers is dealt out to them.

    Examples
    --------
    >>> known({"lr": 0.1, "betas": (0.9, 0.99), "foreach": None}, {"lr": "learning_rate", "betas": ("beta1", "beta2")})
    {'learning_rate': 0.1, 'beta1': 0.9, 'beta2': 0.99}
    """
    numbers: dict[str, float] = {}
    for name, role in roles.items():
        value = settings.get(name)
        names = (role,) if isinstance(role, str) else tuple(role)
        values = value if isinstance(value, tuple | list) else (value,) * len(names)
        numbers |= {n: float(v) for n, v in zip(names, values, strict=False) if _is_number(v)}
    return {n: v for n, v in numbers.items() if v != 0 or n not in SWITCHES}


SWITCHES = ("weight_decay", "momentum", "dampening", "lr_decay", "epsilon_root", "shrinkage")
"""Numbers that are as good as not there when they are zero."""


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    try:
        return np.ndim(value) == 0 and bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False
