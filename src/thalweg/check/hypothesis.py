"""A hypothesis: a rule of the textbook with some variations of the catalogue, ready to be played.

Numbers may be columns, so that hundreds of settings are played at once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import permutations
from types import CodeType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.catalogue.edits import Statements, is_shared
from thalweg.check.catalogue.entries import entries, fitting, joining
from thalweg.check.catalogue.textbook import Textbook, textbook
from thalweg.check.catalogue.variation import Variation
from thalweg.check.sharing import SharedPlay
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory

Array = NDArray[Any]
Numbers = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Hypothesis:
    """A rule, and in what it is varied.

    Parameters
    ----------
    rule : str
        A rule of the textbook.
    codes : tuple of str
        Codes of variations, in the order in which they were applied.

    Examples
    --------
    >>> seen = Hypothesis("adam", ("epsilon-inside-root", "second-corrected-with-beta1"))
    >>> print(seen.text)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    m_hat = m / (1 - beta1 ** t)
    v_hat = v / (1 - beta1 ** t)
    theta = theta - learning_rate * m_hat / np.sqrt(v_hat + epsilon)
    """

    rule: str
    codes: tuple[str, ...] = ()

    @property
    def variations(self) -> tuple[Variation, ...]:
        """The entries of the catalogue."""
        return tuple(entries()[code] for code in self.codes)

    @property
    def mistakes(self) -> int:
        """How many of the variations are mistakes."""
        return sum(v.kind == "mistake" for v in self.variations)

    @property
    def cost(self) -> float:
        """What is believed last: a sum over the variations."""
        return sum(v.cost for v in self.variations)

    @property
    def book(self) -> Textbook:
        """The rule's own text."""
        return textbook(self.rule)

    @cached_property
    def statements(self) -> Statements | None:
        """The statements with all variations, or None where they do not go together."""
        return _varied(self.rule, self.codes)

    @property
    def text(self) -> str:
        """The statements as text."""
        return "\n".join(ast.unparse(s) for s in self.statements or [])

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Hyperparameters and their usual values, those of the variations included."""
        brought = {name: value for v in self.variations for name, value in v.numbers.items()}
        return {**self.book.numbers, **brought}

    @property
    def bringing(self) -> tuple[str, ...]:
        """The variations that bring numbers or memory along."""
        return tuple(code for code in self.codes if code in _bringing())

    @cached_property
    def _slots(self) -> dict[str, float | str]:
        own: dict[str, float | str] = {slot: self.book.starts.get(slot, 0.0) for slot in self.book.slots}
        return own | {slot: start for v in self.variations for slot, start in v.slots.items()}

    def moves(self, numbers: Numbers, tape: Tape, steps: int | None = None, shared: SharedPlay | None = None) -> Array:
        """Play the hypothesis and return what each step adds to theta.

        Parameters
        ----------
        numbers : mapping
            Hyperparameters: numbers, or columns (settings, 1); what is missing has its usual value.
        tape : Tape
        steps : int, optional
            How many steps; all when None.
        shared : SharedPlay, optional
            What was computed for others on the same tape, and is computed for others to come.

        Returns
        -------
        ndarray (steps, n) or (settings, steps, n)
        """
        with np.errstate(all="ignore"):
            if shared is None:
                thetas = self.thetas(numbers, tape, steps)
            else:
                scope = self.scope(numbers, tape, shared)
                thetas = _stacked(self.opened(scope, tape, steps or tape.steps, shared))
            return thetas[..., 1:, :] - thetas[..., :-1, :]

    def opened(self, scope: Mapping[str, Any], tape: Tape, steps: int, shared: SharedPlay) -> list[Array]:
        """Play the hypothesis from what its scope has and return theta before the first and after each step."""
        statements = self.statements or []
        if is_shared(statements):
            thetas = played(statements, dict(scope), tape, steps)
            return [thetas[..., step, :] for step in range(steps + 1)]
        return shared.thetas(statements, scope, steps)

    def thetas(self, numbers: Numbers, tape: Tape, steps: int | None = None) -> Array:
        """Play the hypothesis and return theta before the first and after every step."""
        return played(self.statements or [], self.scope(numbers, tape), tape, steps)

    def scope(self, numbers: Numbers, tape: Tape, shared: SharedPlay | None = None) -> dict[str, Any]:
        """Return what statements read before the first step: memory and hyperparameters.

        For mistakes of loops over arrays also which coordinates are the first array's, and sums over arrays. Equal
        values are the same objects where they are to be ``shared``.
        """
        number, memory = (_number, _memory(tape.size)) if shared is None else (shared.number, shared.memory)
        given: dict[str, Any] = {k: number(numbers.get(k, v)) for k, v in self.numbers.items()}
        if "learning_rate" not in given:
            given["learning_rate"] = number(1.0)
        slots = {n: memory(given[s] if isinstance(s, str) else s) for n, s in self._slots.items()}
        return {"np": np, "theta": tape.theta0, **_across(tape), **given, **slots}

    def trajectory(self, numbers: Numbers, tape: Tape) -> Trajectory:
        """Play the hypothesis with one set of numbers."""
        return Trajectory(self.thetas(numbers, tape))

    def extended(self, by: Iterable[Variation] | None = None) -> list[Hypothesis]:
        """Return the hypotheses with one variation more: each set once, in whichever order goes together."""
        found = []
        for entry in (*fitting(self.rule), *joining(self.rule)) if by is None else by:
            if entry.code in self.codes:
                continue
            made = combined(self.rule, (*self.codes, entry.code))
            if made is not None:
                found.append(made)
        return found


@cache
def _bringing() -> frozenset[str]:
    return frozenset(code for code, entry in entries().items() if entry.numbers or entry.slots)


def _number(value: Any) -> Any:
    """Return a number of NumPy's, which divides by zero without an error."""
    return np.asarray(value, dtype=np.float64)[()]


def _memory(size: int) -> Callable[[Any], Array]:
    zero = np.zeros(size)
    return lambda start: zero + start


@cache
def _across(tape: Tape) -> Mapping[str, Any]:
    """Return what is read by mistakes of loops over arrays."""
    turn, starts = _turns(tape)
    own_array = turn.astype(int) - 1
    size = tape.size // len(starts)

    def array_sum(x: Array) -> Array:
        sums: Array = np.add.reduceat(x, starts, axis=-1)[..., own_array]
        return sums

    def total_sum(x: Array) -> Array:
        total: Array = x.sum(axis=-1, keepdims=True)
        return total

    def first_of(x: Array) -> Array:
        return np.tile(x[..., :size], len(starts))

    def last_of(x: Array) -> Array:
        return np.tile(x[..., -size:], len(starts))

    return {
        "array_sum": array_sum, "total_sum": total_sum, "first_array": turn == 1, "layer": turn, "first_of": first_of,
        "last_of": last_of,
    }  # fmt: skip


def shared_play(tape: Tape) -> SharedPlay:
    """Return what plays many hypotheses on the first steps of a tape."""
    turn, starts = _turns(tape)
    return SharedPlay(tape, [index * len(starts) + turn for index in range(tape.steps)])


def played(statements: Statements, scope: dict[str, Any], tape: Tape, steps: int | None = None) -> Array:
    """Play statements in a scope and return theta before the first and after every step; the scope is changed.

    Parameters
    ----------
    statements : list of ast.stmt
        Of a hypothesis, or some of one and some of another.
    scope : dict
        Of :meth:`Hypothesis.scope`.
    tape : Tape
    steps : int, optional
        How many steps; all when None.

    Returns
    -------
    ndarray (steps + 1, n) or (settings, steps + 1, n)
    """
    if is_shared(statements):
        return _played_in_turn(statements, scope, tape, steps)
    codes = [_compiled(statement) for statement in statements]
    rate, (turn, starts) = scope["learning_rate"], _turns(tape)
    thetas = [scope["theta"]]
    with np.errstate(all="ignore"):
        for index in range(steps or tape.steps):
            scope["g"] = tape.gradients[index]
            scope["t"] = scope["now"] = np.float64(index + 1)
            scope["calls"] = index * len(starts) + turn  # how often any array was updated
            scope["learning_rate"] = rate * tape.rates[index]
            for code in codes:
                exec(code, scope)  # noqa: S102 - the catalogue's own text
            thetas.append(scope["theta"])
    return _stacked(thetas)


def _played_in_turn(statements: Statements, scope: dict[str, Any], tape: Tape, steps: int | None) -> Array:
    """Play statements on one array after the other with one memory for all; nothing comes of it but on equal ones."""
    if not tape.equal_arrays:
        return np.full(((steps or tape.steps) + 1, tape.size), np.nan)
    codes = [_compiled(statement) for statement in statements]
    rate, own = scope["learning_rate"], list(tape.slices())
    size = own[0].stop
    # Every slot, and not only what the statements store: after another mistake one may be read and never stored.
    full = [name for name, value in scope.items() if isinstance(value, np.ndarray) and value.shape[-1:] == (tape.size,)]
    scope |= {name: scope[name][..., :size] for name in full if name != "theta"}
    scope |= {"array_sum": lambda x: x.sum(axis=-1, keepdims=True), "first_of": lambda x: x, "last_of": lambda x: x}
    parts: list[Array] = [scope["theta"][part] for part in own]
    thetas = [scope["theta"]]
    with np.errstate(all="ignore"):
        for index in range(steps or tape.steps):
            scope |= {"learning_rate": rate * tape.rates[index], "now": np.float64(index + 1)}
            for k, part in enumerate(own):
                scope |= {"theta": parts[k], "g": tape.gradients[index][part], "t": np.float64(index + 1)}
                scope |= {"calls": np.float64(index * len(own) + k + 1), "layer": k + 1.0, "first_array": k == 0}
                for code in codes:
                    exec(code, scope)  # noqa: S102 - the catalogue's own text
                parts[k] = scope["theta"]
            shapes = np.broadcast_shapes(*(np.shape(p) for p in parts))
            thetas.append(np.concatenate([np.broadcast_to(p, shapes) for p in parts], axis=-1))
    return _stacked(thetas)


def _stacked(thetas: list[Array]) -> Array:
    """Stack steps, of which only the later ones may differ from setting to setting."""
    widest = max((np.shape(theta) for theta in thetas), key=len)
    stacked = np.empty((*widest[:-1], len(thetas), widest[-1]))
    for k, theta in enumerate(thetas):
        stacked[..., k, :] = theta
    return stacked


@cache
def _compiled(statement: ast.stmt) -> CodeType:
    """Return a statement's code, made once however many hypotheses share it."""
    return compile(ast.fix_missing_locations(ast.Module([statement], [])), "<textbook>", "exec")


@cache
def _turns(tape: Tape) -> tuple[Array, list[int]]:
    """For each coordinate which array it belongs to, from 1; and where each array starts."""
    turn = np.zeros(tape.size)
    starts = []
    for k, own in enumerate(tape.slices(), start=1):
        turn[own] = k
        starts.append(own.start)
    return turn, starts


@cache
def _varied(rule: str, codes: tuple[str, ...]) -> Statements | None:
    """Return a rule's statements with variations, or None where they do not go together; shared, not to be changed."""
    if not codes:
        return list(textbook(rule).tree)
    before = _varied(rule, codes[:-1])
    return None if before is None else entries()[codes[-1]].apply(before)


@cache
def _places() -> dict[str, tuple[bool, int]]:
    """Return in which order entries are applied: the catalogue's, but some come after all others."""
    return {code: (entry.last, place) for place, (code, entry) in enumerate(entries().items())}


def combined(rule: str, codes: tuple[str, ...]) -> Hypothesis | None:
    """Return a rule with several variations; None where none of their orders goes together.

    A set of variations is one thing, whichever of them was found first: the catalogue's order is tried before others.
    Those that undo one another, or of which one hides the other, are told by what they do, not here.
    """
    for order in permutations(sorted(codes, key=_places().__getitem__)):
        made = Hypothesis(rule, order)
        if made.statements is not None:
            return made
    return None
