"""A gradient that was found in a file: what it is called, and the ways in which it can be put to the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

Form = Literal["", "of_activation", "of_scores", "averaged", "moved", "known_loss"]


@final
@dataclass(frozen=True)
class Given:
    """One thing that the functions were given.

    Parameters
    ----------
    name : str
        What it is called there.
    shape : tuple of int
    origin : {"file", "made", "asked"}
        Where it comes from: the file, made to fit, or named by the reader.
    """

    name: str
    shape: tuple[int, ...]
    origin: Literal["file", "made", "asked"]


@final
@dataclass(frozen=True, eq=False)
class Reading:
    """One way to put a gradient to the test.

    Parameters
    ----------
    fun, grad, x
        As :func:`thalweg.check_gradient` takes them.
    given : tuple of Given
        At which point, with which data.
    tier : int
        A reading of a higher tier is looked at only where none of the lower ones runs: the file's own data before made
        ones, many examples before one.
    form : str
        What has to be said of how the gradient was read: ``of_activation``, the derivative takes the activation;
        ``of_scores``, the derivative of the loss has the activation's in it; ``averaged``, parameters' gradients are
        means over the examples; ``moved``, it was read off what an update does; ``known_loss``, the file has no cost,
        and this is one that courses use.
    told : str
        What belongs to the form, such as the name of the known loss.
    """

    fun: Callable[[Any], Any]
    grad: Callable[[Any], Any] | None
    x: Any
    given: tuple[Given, ...] = ()
    tier: int = 0
    form: Form = ""
    told: str = ""


@final
@dataclass(frozen=True, eq=False)
class GradientSubject:
    """A gradient of a file.

    Parameters
    ----------
    name : str
        What it is called there: the function or the class with the gradient.
    of : str
        The function that it should be the slope of; empty where there is none.
    functions : tuple of callable
        Those in which the gradient is computed, for the lines to blame.
    readings : callable
        Gives the ways to test it, the likeliest first.
    choices : tuple of str
        Functions of the file among which the cost could not be told; the reader is asked.
    """

    name: str
    of: str
    functions: tuple[Callable[..., Any], ...]
    readings: Callable[[], Iterator[Reading]]
    choices: tuple[str, ...] = ()


class NotThisWayError(Exception):
    """The functions do not fit together in this reading."""


class NoKnownLossError(NotThisWayError):
    """The code runs, and what it gives is the gradient of no loss that is known."""
