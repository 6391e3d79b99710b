"""What the gradient doctor says, with the evidence, as lines for a learner and as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, final

from thalweg.check.wording.gradient_english import GRADIENTS_IN_ENGLISH
from thalweg.check.wording.gradient_lines import WIDTH, evidence, headline

Kind = Literal["right", "wrong", "random", "unknown"]


@final
@dataclass(frozen=True)
class Cause:
    """A likely cause of a wrong gradient.

    Parameters
    ----------
    code : str
        Stable name, such as ``"factor_2"``.
    blocks : tuple of str
        Blocks of parameters that it explains.
    title : str
        The cause in a few words.
    mend : str
        What to change.
    evidence : str
        The numbers that speak for it.
    residual : float
        How far the gradient is from what this cause would give, relative to the gradient; NaN for a cause that
        predicts no numbers.
    """

    code: str
    blocks: tuple[str, ...]
    title: str
    mend: str
    evidence: str
    residual: float = float("nan")


@final
@dataclass(frozen=True)
class Kink:
    """Coordinates at which the loss has two slopes, so that no number is its derivative.

    Parameters
    ----------
    where : str
        The coordinate, or the unit where all weights into one share the kink.
    coordinates : tuple of str
        Their names.
    left, right : float
        Slopes of the two sides, at the first coordinate.
    given : float
        What the gradient says there; a number between the two is a fair choice.
    """

    where: str
    coordinates: tuple[str, ...]
    left: float
    right: float
    given: float


@final
@dataclass(frozen=True)
class Numbers:
    """What the verdict on a block rests on, number by number.

    Parameters
    ----------
    steps, remainders : tuple of float
        Steps ``h``, falling, and the Taylor remainder ``|f(x + h v) - f(x) - h g.v|`` at each.
    floor : tuple of float
        At each step, what rounding alone can make.
    places : tuple of int
        Coordinates that were measured, as places in the flattened block.
    given, measured, bounds : tuple of float
        There: the gradient, the slope, the bound on their difference.
    differs : tuple of bool
    """

    steps: tuple[float, ...] = ()
    remainders: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    places: tuple[int, ...] = ()
    given: tuple[float, ...] = ()
    measured: tuple[float, ...] = ()
    bounds: tuple[float, ...] = ()
    differs: tuple[bool, ...] = ()

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Numbers:
        """Return what ``asdict`` made plain data of; None stands for what is not finite."""
        made: dict[str, Any] = {n: tuple(math.nan if v is None else v for v in values) for n, values in data.items()}
        return Numbers(**made)


@final
@dataclass(frozen=True)
class BlockVerdict:
    """What was found of one block of parameters.

    Parameters
    ----------
    name : str
    shape : tuple of int
    right : bool or None
        None where nothing could be measured.
    tested, differing : int
        Coordinates that were compared, and those where the difference exceeds its bound.
    worst : str
        Coordinate with the largest difference.
    given, measured, bound : float
        There: the gradient, the measured slope, the bound on the measurement's error.
    order : float or None
        Order of the Taylor remainder along this block: 2 for a right gradient, 1 for a wrong one; None where the
        remainder is rounding alone.
    returned_shape : tuple of int or None
        Shape of the gradient where it is not that of the parameters.
    numbers : Numbers
        What this rests on, for pictures.
    """

    name: str
    shape: tuple[int, ...]
    right: bool | None
    tested: int
    differing: int
    worst: str
    given: float
    measured: float
    bound: float
    order: float | None
    returned_shape: tuple[int, ...] | None = None
    numbers: Numbers = field(default=Numbers(), repr=False)


@final
@dataclass(frozen=True)
class GradientVerdict:
    """Is the gradient the slope of the function?

    Parameters
    ----------
    verdict : {"right", "wrong", "random", "unknown"}
        ``random``: the function answers differently each time and could not be held still. ``unknown``: too little
        could be measured.
    blocks : tuple of BlockVerdict
    causes : tuple of Cause
        Likely causes, the best explanation first.
    kinks : tuple of Kink
    notes : tuple of str
        What else a reader must know: masks held still, precision, gradients in another shape.
    difference : float
        ``|g - n| / (|g| + |n|)`` of all compared coordinates, 0 where both vanish: the number that courses print.
    calls : int
        Calls of the function.

    Examples
    --------
    >>> GradientVerdict("right").right
    True
    """

    verdict: Kind
    blocks: tuple[BlockVerdict, ...] = ()
    causes: tuple[Cause, ...] = ()
    kinks: tuple[Kink, ...] = ()
    notes: tuple[str, ...] = ()
    difference: float = 0.0
    calls: int = 0
    codes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", frozenset(cause.code for cause in self.causes))

    @property
    def right(self) -> bool:
        """Whether no block is wrong."""
        return self.verdict == "right"

    @property
    def wrong_blocks(self) -> tuple[str, ...]:
        """Names of the blocks that are wrong."""
        return tuple(block.name for block in self.blocks if block.right is False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; numbers that are not finite become None."""
        data = asdict(self)
        data["codes"] = sorted(self.codes)
        plain: dict[str, Any] = _plain(data)
        return plain

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> GradientVerdict:
        """Return what :meth:`as_dict` was made of."""

        def one(kind: Any, plain: Mapping[str, Any]) -> Any:
            numbers = {f.name for f in fields(kind) if f.type == "float"}
            made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
            if "numbers" in made:
                made["numbers"] = Numbers.from_dict(made["numbers"])
            return kind(**{k: math.nan if v is None and k in numbers else v for k, v in made.items()})

        parts: dict[str, Any] = {"blocks": BlockVerdict, "causes": Cause, "kinks": Kink}
        given: dict[str, Any] = {name: tuple(one(kind, each) for each in data[name]) for name, kind in parts.items()}
        notes = tuple(data["notes"])
        return GradientVerdict(
            data["verdict"], **given, notes=notes, difference=data["difference"], calls=data["calls"]
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict as lines of at most 80 characters."""
        return (headline(self, GRADIENTS_IN_ENGLISH)[:WIDTH], *evidence(self, GRADIENTS_IN_ENGLISH))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inside) for key, inside in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [_plain(inside) for inside in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
