"""The step ledger: updates of a rule told number by number, in the order of its formula.

Every number is computed by walking the syntax tree of the formula as it was written, with the operations that Python
itself would do: theta and slots come out with the bits of :meth:`~thalweg.formulas.kinds.rule.Rule.step`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import LimitError, SettingError
from thalweg.formulas.outline import Entry, Kind, Line, Outline
from thalweg.formulas.walk import Walk

if TYPE_CHECKING:
    from thalweg.formulas.kinds import Rule

Array = NDArray[Any]

MOST = 2_000_000
"""The most numbers that a ledger holds."""


@final
@dataclass(frozen=True, eq=False)
class Row:
    """One quantity, over all updates.

    Parameters
    ----------
    kind : {"gradient", "before", "part", "share", "value", "move"}
        See :class:`~thalweg.formulas.outline.Entry`.
    text : str
        The name, or the part of a line as it is written.
    line : int
        Index into the ledger's lines; -1 before them.
    values : ndarray (steps, n), or (steps,) of scalars
        Of the parameters' type, float64 for scalars and shares, bool for conditions. Shares are fractions of 1.
    told : ndarray (steps,), bool
        Whether the update came by it: of ``a if condition else b`` one side only is computed.
    meaning : str
        What it is, in a few words; may be empty.
    """

    kind: Kind
    text: str
    line: int
    values: Array
    told: Array
    meaning: str = ""

    @property
    def coordinates(self) -> bool:
        """Whether there is one value per coordinate."""
        return self.values.ndim == 2


@final
@dataclass(frozen=True, eq=False, repr=False)
class Ledger:
    """Updates of one rule, number by number.

    Parameters
    ----------
    rule : str
        The rule's name.
    numbers : mapping
        Its hyperparameters.
    slots : tuple of str
        Its memory.
    times : ndarray (steps,)
        Counts of the updates that are told, as the formula's t.
    rates : ndarray (steps,)
        Factor on the learning rate at each.
    lines : tuple of Line
        The formula's own.
    rows : tuple of Row
        In the order of the formula.

    Examples
    --------
    >>> from thalweg.formulas.rules import momentum
    >>> told = momentum(learning_rate=0.5).explain([1.0, 1.0], theta=0.0)
    >>> told.values("momentum * velocity").ravel().tolist()
    [0.0, 0.9]
    >>> told.values("theta").ravel().tolist()
    [-0.5, -1.45]
    """

    rule: str
    numbers: Mapping[str, Any]
    slots: tuple[str, ...]
    times: Array
    rates: Array
    lines: tuple[Line, ...]
    rows: tuple[Row, ...]

    @property
    def steps(self) -> int:
        """How many updates are told."""
        return int(self.times.size)

    @property
    def size(self) -> int:
        """How many coordinates there are."""
        return next(int(row.values.shape[1]) for row in self.rows if row.coordinates)

    def values(self, text: str) -> Array:
        """Return the numbers of a name after the update, or of a part as it is written in the formula.

        Raises
        ------
        KeyError
            There is none.
        """
        named = [row for row in self.rows if row.text == text]
        found = [row for row in named if row.kind != "before"] or named  # a slot that is returned as it came
        if not found:
            raise KeyError(text)
        return found[-1].values

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; what is no finite number is the text that ``float`` reads, or None if not told.

        Examples
        --------
        >>> from thalweg.formulas.rules import gradient_descent
        >>> told = gradient_descent.explain([2.0], theta=1.0).to_dict()
        >>> [(row["text"], row["values"]) for row in told["rows"][-2:]]
        [('theta', [[0.98]]), ('theta moved by', [[-0.02]])]
        """
        return {
            "rule": self.rule,
            "hyperparameters": {name: _plain(value) for name, value in self.numbers.items()},
            "slots": list(self.slots),
            "t": self.times.tolist(),
            "rate_factors": self.rates.tolist(),
            "lines": [{"number": line.number, "text": line.text, "inside": line.inside} for line in self.lines],
            "rows": [
                {
                    "kind": row.kind,
                    "line": row.line,
                    "text": row.text,
                    "meaning": row.meaning,
                    "values": [
                        _plain(value.tolist()) if told else None
                        for value, told in zip(row.values, row.told, strict=True)
                    ],
                }
                for row in self.rows
            ],
        }

    def __str__(self) -> str:
        from thalweg.formulas.ledger_text import text

        return text(self)

    def __repr__(self) -> str:
        from thalweg.formulas.ledger_text import glance

        return glance(self)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def explain(
    rule: Rule,
    gradients: Any,
    theta: Any = 1.0,
    *,
    state: Any = None,
    t: int = 1,
    factors: Any = None,
    steps: tuple[int, int] | None = None,
) -> Ledger:
    """Make updates of a rule and tell them number by number; see :meth:`thalweg.formulas.kinds.rule.Rule.explain`."""
    taken = _gradients(gradients)
    both = np.result_type(taken.dtype, theta if isinstance(theta, int | float) else np.asarray(theta).dtype)
    dtype = np.float32 if both == np.float32 else np.float64
    taken, start = taken.astype(dtype), _start(theta, taken.shape[1], dtype)
    memory = rule.init(start) if state is None else _state(state, rule, start)
    rates = _factors(factors, rule, len(taken))
    first, last = _chosen(steps, t, len(taken))
    for index in range(first):
        start, memory = rule.step(start, taken[index], memory, t + index, float(rates[index]))

    outline = Outline(rule, rated=bool(np.any(rates != 1.0)))
    count, size = last - first, taken.shape[1]
    if count * size * len(outline.entries) > MOST:
        what = f"{count} updates of {size} coordinates are {count * size * len(outline.entries):,} numbers"
        raise LimitError("LIMIT-LEDGER", "gradients", f"{what}; at most {MOST:,}", "Tell fewer: steps=(1, 100).")
    book = _Book(outline, count, size, np.dtype(dtype))
    for index in range(first, last):
        numbers = dict(rule.hyperparameters)
        if rates[index] != 1.0:
            numbers["learning_rate"] *= float(rates[index])
        start, memory = book.update(start, taken[index], memory, float(t + index), numbers)
    return Ledger(
        rule.name,
        rule.hyperparameters,
        rule.slots,
        np.arange(t + first, t + last),
        rates[first:last],
        tuple(outline.lines),
        book.rows(),
    )


# What was given


def _gradients(given: Any) -> Array:
    array = np.asarray(given)
    if array.dtype.kind not in "iufb":
        raise SettingError("SETTING-TYPE", "gradients", f"must be real numbers, got {array.dtype} values")
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        what = f"must be (updates,) or (updates, coordinates), got shape {np.shape(given)}"
        raise SettingError("SETTING-SHAPE", "gradients", what)
    if not np.all(np.isfinite(array)):
        where = tuple(int(k) + 1 for k in np.argwhere(~np.isfinite(array))[0])
        raise SettingError("SETTING-RANGE", "gradients", f"must be finite; update {where[0]}, coordinate {where[1]}")
    return array


def _start(given: Any, size: int, dtype: type[Any]) -> Array:
    theta = np.asarray(given)
    if theta.dtype.kind not in "iufb":
        raise SettingError("SETTING-TYPE", "theta", f"must be real numbers, got {theta.dtype} values")
    if theta.ndim > 1 or theta.size not in (1, size):
        raise SettingError("SETTING-SHAPE", "theta", f"must be one number or {size}, got shape {theta.shape}")
    if not np.all(np.isfinite(theta)):
        raise SettingError("SETTING-RANGE", "theta", "must be finite")
    return np.broadcast_to(theta.astype(dtype).reshape(-1), (size,)).copy()


def _state(given: Any, rule: Rule, theta: Array) -> Array:
    state = np.asarray(given, dtype=theta.dtype)
    wanted = (len(rule.slots), theta.size)
    if state.shape != wanted:
        what = f"must be (slots, coordinates) = {wanted}, got shape {state.shape}"
        raise SettingError("SETTING-SHAPE", "state", what, f"Slots of {rule.name}: {', '.join(rule.slots) or 'none'}.")
    return state


def _factors(given: Any, rule: Rule, steps: int) -> Array:
    factors = np.ones(steps) if given is None else np.asarray(given, dtype=np.float64)
    if factors.shape != (steps,):
        raise SettingError("SETTING-SHAPE", "factors", f"must be one number per update: {steps}, got {factors.shape}")
    if np.any(factors != 1.0) and not rule.has_learning_rate:
        raise SettingError("SETTING-UNKNOWN", "factors", f"{rule.name} has no learning rate for them to multiply")
    return factors


def _chosen(steps: tuple[int, int] | None, t: int, count: int) -> tuple[int, int]:
    first, last = (t, t + count - 1) if steps is None else steps
    if not t <= first <= last < t + count:
        raise SettingError("SETTING-RANGE", "steps", f"{first} to {last}: there are updates {t} to {t + count - 1}")
    return first - t, last - t + 1


@final
class _Book:
    """The rows as they fill."""

    def __init__(self, outline: Outline, steps: int, size: int, dtype: np.dtype[Any]) -> None:
        self.outline, self.size, self.dtype = outline, size, dtype
        self.values: list[list[Any]] = [[] for _ in outline.entries]
        self.steps = steps

    def update(self, theta: Array, g: Array, state: Array, t: float, numbers: dict[str, Any]) -> tuple[Array, Array]:
        """Make one update, take down its numbers, and return theta and the slots after it."""
        walk = Walk(self.outline.calls)
        slots = dict(zip(self.outline.slots, state, strict=True))
        with np.errstate(all="ignore"):
            try:
                result = walk.run(self.outline.body, {"theta": theta, "g": g, "t": t, **slots, **numbers})
            except (ArithmeticError, ValueError) as error:  # of scalars; arrays go on with inf and nan
                source, statement = walk.at or (self.outline.body.source, None)
                raise source.error("FORMULA-FAILS", statement, f"the formula fails at t = {t:g}: {error}") from None
            after, *kept = result if isinstance(result, list) else [result]
            given = {**numbers, "g": g, "theta": theta, **slots}
            for entry, column in zip(self.outline.entries, self.values, strict=True):
                column.append(self._number(entry, walk.seen, given, after - theta))
        return after, np.stack(kept) if kept else np.empty_like(state)

    def _number(self, entry: Entry, seen: Mapping[int, Any], given: Mapping[str, Array], move: Array) -> Any:
        """Return the number of a row, None where the update did not come by it."""
        if entry.kind == "move":
            return move
        if entry.node is None:
            return given[entry.text]
        value = seen.get(id(entry.node))
        if entry.guard is None or value is None:
            return value
        share = np.asarray(seen[id(entry.guard)], dtype=np.float64) / np.asarray(value, dtype=np.float64)
        # sqrt(v + epsilon) is longer than sqrt(v) by 1 - sqrt(1 - share), written without cancellation.
        return share / (1 + np.sqrt(1 - share)) if entry.rooted else share

    def rows(self) -> tuple[Row, ...]:
        """Return the rows."""
        made = []
        for entry, column in zip(self.outline.entries, self.values, strict=True):
            told = np.array([value is not None for value in column])
            shape = (self.size,) if entry.coordinates else ()
            known = [np.broadcast_to(value, shape) for value in column if value is not None]
            conditions = bool(known) and all(value.dtype == bool for value in known)
            scalars = entry.kind == "share" or not entry.coordinates
            values = np.full((self.steps, *shape), 0, dtype=bool if conditions else float if scalars else self.dtype)
            if known:
                values[told] = np.stack(known)
            made.append(Row(entry.kind, entry.text, entry.line, values, told, entry.meaning))
        return tuple(made)
