"""What the moves of a plan say about who plays which part: an update goes where its gradient sends it."""

from __future__ import annotations

import numpy as np

from thalweg.check.subjects import words
from thalweg.check.subjects.play import Plan, probe
from thalweg.check.subjects.signature import Argument
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.tape import Tape

MOST = 0.9
"""The share of coordinates that must agree: some codes leave some out."""
NUMBERS = 0.5
"""The share of coordinates whose steps must be numbers."""
REST = 0.05
"""How far a step may go without a gradient, of what it goes with one: decay does."""


def believable(plan: Plan, source: Source | None) -> bool:
    """Whether the parts that were given out are to be believed: names say them plainly, or the moves do."""
    arguments = plan.actor.signature.arguments
    if returned_as_another(plan):
        return False
    cast = [a for a in arguments if a.role in (words.PARAMETERS, words.GRADIENTS)]
    slopes = [a for a in cast if a.role == words.GRADIENTS]
    if plan.outcome is not None and plan.outcome.sign and any(_moved(a) for a in arguments):
        return False  # a step is given back, and something under a name that says nothing may be what it moves
    if len(slopes) == 1 and len(cast) > 2 and not _holds_several(slopes[0]):
        return False  # one gradient for several arrays: some of them are memory
    plain = 2 * len(slopes) == len(cast) > 0 and all(_speaks(a) for a in cast)
    return plain or descends(plan, source)


def returned_as_another(plan: Plan) -> bool:
    """Whether the new parameters are given back under the name of an argument that is none."""
    place = plan.outcome.place if plan.outcome is not None else None
    if place is None or place.where != "result" or len(place.path) > 1:
        return False
    arguments = plan.actor.signature.arguments
    others = {a.name for a in arguments if a.role not in (words.PARAMETERS, words.LAYER, words.MEMORY, None)}
    for names in plan.actor.signature.anatomy.returned:
        index = place.path[0] if place.path else 0
        if isinstance(index, int) and index < len(names) and (place.path or len(names) == 1):
            return names[index] in others
    return False


def _moved(argument: Argument) -> bool:
    return argument.required and argument.use.assigned and words.role_of(argument.name) is None


def _holds_several(argument: Argument) -> bool:
    use = argument.use
    return bool(use.keys or use.made_keys or use.indexed or use.walked or use.mapped or use.unpacked or use.attributes)


def _speaks(argument: Argument) -> bool:
    """Whether a name is a word for its part, not a letter that may be anything; pairs such as b and db are words."""
    name = argument.name
    if argument.part is not None:
        return True
    return (
        words.role_of(name) == argument.role
        and name not in _VAGUE
        and (not name.isascii() or len(name) > 2 or name.rstrip("0123456789") in _LETTERS)
    )


_VAGUE = ("var", "val", "value", "values", "data", "current", "start", "delta", "guess", "array")
_LETTERS = ("w", "W", "b", "g", "dw", "dW", "db", "dx", "gw", "gb", "th", "x0", "w0")


def descends(plan: Plan, source: Source | None) -> bool:
    """Whether every coordinate goes by its own gradient: turned round where that is, at rest where there is none.

    Parameters
    ----------
    plan : Plan
        With its outcome.
    source : Source or None

    Returns
    -------
    bool
        True for steps up a hill as well: that is for the doctor to say.
    """
    tape = probe(plan.arrangement)
    turned = Tape(tape.theta0, -tape.gradients, tape.rates, tape.shapes)
    still = Tape(tape.theta0, 0 * tape.gradients, tape.rates, tape.shapes)
    try:
        there, back, rest = (plan.thetas(one, source) for one in (tape, turned, still))
    except CannotRun:
        return False
    with np.errstate(all="ignore"):
        moves, others, idle = there[1] - there[0], back[1] - back[0], rest[1] - rest[0]
        numbers = np.isfinite(moves) & np.isfinite(others)
        if np.mean(numbers) < NUMBERS or not np.any(moves[numbers] != 0):
            return False
        opposite = np.mean(np.sign(moves[numbers]) == -np.sign(others[numbers]))
        # The line of one array alone may be mistyped: it climbs, stays where it is, or takes the root of what is
        # negative. That is no sign of another reading.
        parts = [np.arange(own.start, own.stop)[numbers[own]] for own in tape.slices()]
        signs = [np.sign(moves[part]) * np.sign(tape.gradients[0][part]) for part in parts if np.any(moves[part] != 0)]
        along = min(abs(np.mean(sign)) for sign in signs)
        resting = np.mean(~np.isfinite(idle) | (np.abs(idle) <= REST * np.abs(moves) + 1e-12))
    return bool(min(opposite, along, resting) >= MOST)
