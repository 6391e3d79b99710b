"""What the gradient doctor says, with the evidence, as lines for a learner and as plain data."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final

WIDTH = 80
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

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict as lines of at most 80 characters."""
        out = [_headline(self)]
        wrong = [block for block in self.blocks if block.right is False]
        for block in wrong[:6]:
            out += _block_lines(block)
        if len(wrong) > 6:
            out.append(f"  and {len(wrong) - 6} more blocks")
        for cause in self.causes[:3]:
            out += _wrapped(f"cause: {cause.title} ({', '.join(cause.blocks)}).", "  ")
            if cause.evidence:
                out += _wrapped(cause.evidence, "    ")
            out += _wrapped(f"mend: {cause.mend}", "    ")
        if wrong and not self.causes:
            out += _wrapped("cause: none of the known mistakes gives these numbers.", "  ")
        right = [block for block in self.blocks if block.right]
        if wrong and right:
            out += _wrapped(f"right: {', '.join(block.name for block in right)}.", "  ")
        if not wrong:
            for block in self.blocks[:12]:
                out += _wrapped(_right_line(block), "  ", "      ")
        for kink in self.kinks[:4]:
            told = (
                f"kink at {kink.where}: slope {kink.left:.6g} on one side, {kink.right:.6g} on the other, "
                f"your gradient {kink.given:.6g}. Not counted as wrong."
            )
            out += _wrapped(told, "  ")
        if len(self.kinks) > 4:
            out.append(f"  and {len(self.kinks) - 4} more kinks")
        for note in self.notes:
            out += _wrapped(f"note: {note}", "  ")
        return tuple(out)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _headline(verdict: GradientVerdict) -> str:
    if verdict.verdict == "right":
        aside = ", where it has one" if verdict.kinks else ""
        return f"right: the gradient is the slope of the function{aside}."
    if verdict.verdict == "random":
        return "cannot say: the function gives another value each time at the same point."
    if verdict.verdict == "unknown":
        return "cannot say: too little could be measured here."
    names = ", ".join(verdict.wrong_blocks[:4]) + (", ..." if len(verdict.wrong_blocks) > 4 else "")
    if len(verdict.wrong_blocks) == len(verdict.blocks):
        names = "any block" if len(verdict.blocks) > 1 else names
    return f"wrong: the gradient is not the slope of the function in {names}."[:WIDTH]


def _block_lines(block: BlockVerdict) -> list[str]:
    shape = " x ".join(map(str, block.shape)) or "a number"
    order = "" if block.order is None else f"; remainder falls as h^{block.order:.2f}, not h^2"
    first = f"{block.name} ({shape}): {block.differing} of {block.tested} coordinates differ{order}"
    out = _wrapped(first, "  ")
    if block.returned_shape is not None:
        out += _wrapped(f"came in shape {block.returned_shape}, the parameters have {block.shape}", "    ")
    if block.worst:
        told = f"{block.worst}: gradient {block.given:.9g}, slope {block.measured:.9g} +- {block.bound:.1g}"
        out += _wrapped(told, "    ")
    return out


def _right_line(block: BlockVerdict) -> str:
    if block.right is None:
        return f"{block.name}: not measured"
    order = "straight line" if block.order is None else f"remainder falls as h^{block.order:.2f}"
    many = "coordinate" if block.tested == 1 else "coordinates"
    return f"{block.name}: {block.tested} {many} within bounds (at most {block.bound:.1g}); {order}"


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    after = indent + "  " if further is None else further
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=after)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inside) for key, inside in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [_plain(inside) for inside in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
