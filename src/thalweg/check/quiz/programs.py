"""Rules as students write them: a function, a class, a function over dictionaries; under several sets of names."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.hypothesis import Hypothesis
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory

Array = NDArray[Any]
Style = Literal["function", "class", "dictionary"]
WIDTH = 74
"""The longest line of a program: with its number it fits into 80 columns."""
STYLES: tuple[Style, ...] = ("function", "class", "dictionary")

#: Names that take the place of the textbook's.
NAMES: Mapping[str, Mapping[str, str]] = {
    "paper": {"stale": "old", "array_sum": "np.sum"},
    "short": {
        "stale": "before", "array_sum": "np.sum", "theta": "w", "g": "grad", "learning_rate": "lr", "epsilon": "eps",
        "velocity": "v", "momentum": "mu", "m_hat": "mhat", "v_hat": "vhat", "theta_before": "w_before",
    },
    "course": {
        "stale": "previous", "array_sum": "np.sum", "theta": "w", "g": "dw", "learning_rate": "alpha",
        "epsilon": "eps", "m": "v", "v": "s", "m_hat": "v_corrected", "v_hat": "s_corrected", "momentum": "beta",
        "theta_before": "w_before", "velocity": "v",
    },
}  # fmt: skip

# Numbers that show a mistake where the usual ones would hide it.
TELLING = {"weight_decay": 0.01}
UNWRITTEN = frozenset({
    "first-array-skipped", "counted-by-array", "counted-from-array", "one-state-for-all-arrays",
    "first-gradient-for-all", "last-gradient-for-all", "first-velocity-for-all", "first-scale-for-all",
    "first-mean-for-all", "rate-missing", "falling-rate-kept", "counted-in-epochs",
})  # fmt: skip
"""Mistakes of loops that mix arrays up or count layers, and of schedules, which none of these styles does; and a rate
that is nowhere."""
_COUNTED = {"counted-from-zero", "counted-from-two", "counted-per-array"}
_OF_ARRAYS = {"counted-per-array", "only-first-array", "one-scale-per-array", "gradient-normalised"}


@final
@dataclass(frozen=True, eq=False)
class Program:
    """A rule, right or with one mistake, as the text of a program.

    Parameters
    ----------
    rule : str
        The textbook's rule.
    style : {"function", "class", "dictionary"}
        How it is written.
    lines : tuple of str
    names : mapping
        What the textbook's names are called here.
    slots : tuple of str
        Memory, by the textbook's names.
    starts : tuple of float
        Where it starts.
    numbers : mapping
        Hyperparameters by the textbook's names.
    counts : bool
        Whether a count of steps is read.
    """

    rule: str
    style: Style
    lines: tuple[str, ...]
    names: Mapping[str, str]
    slots: tuple[str, ...]
    starts: tuple[float, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)
    counts: bool = False

    def play(self, tape: Tape) -> Trajectory:
        """Run the program along a tape and return what became of theta."""
        space: dict[str, Any] = {"np": np}
        exec("\n".join(self.lines), space)  # noqa: S102 - our own text
        rate = self.numbers.get("learning_rate", 1.0)
        played = [tape.theta0]
        step = getattr(self, f"_{self.style}")(space, tape)
        with np.errstate(all="ignore"):
            for t, (g, factor) in enumerate(zip(tape.gradients, tape.rates, strict=True), start=1):
                played.append(step(played[-1], g, t, rate * factor))
        return Trajectory(np.stack(played))

    def fits(self, tape: Tape) -> Tape:
        """Return the tape in the shape in which the program takes it."""
        cut = tape if self.style == "dictionary" else tape.shaped()
        return cut if "learning_rate" in self.numbers else cut.steady()

    def _rate(self, value: float) -> dict[str, float]:
        return {self.names["learning_rate"]: value} if "learning_rate" in self.numbers else {}

    def _function(self, space: dict[str, Any], tape: Tape) -> Any:
        state = [np.zeros(tape.size) + start for start in self.starts]
        called = space[self.rule]

        def step(theta: Array, g: Array, t: int, rate: float) -> Array:
            count = [t] if self.counts else []
            made = called(theta.copy(), g.copy(), *state, *count, **self._rate(rate))
            theta, *state[:] = made if self.slots else [made]
            return theta

        return step

    def _class(self, space: dict[str, Any], tape: Tape) -> Any:  # noqa: ARG002 - one signature for all styles
        made = space[_class_name(self.rule)]()

        def step(theta: Array, g: Array, t: int, rate: float) -> Array:  # noqa: ARG001 - the object counts
            for name, value in self._rate(rate).items():
                setattr(made, name, value)
            after: Array = made.step(theta.copy(), g.copy())
            return after + np.zeros_like(theta)

        return step

    def _dictionary(self, space: dict[str, Any], tape: Tape) -> Any:
        keys = [f"W{k}" for k in range(len(tape.shapes))]
        begin = space.get("start", lambda params: {})  # noqa: ARG005 - without memory there is nothing to start
        state = begin(dict(zip(keys, tape.split(tape.theta0), strict=True)))

        def step(theta: Array, g: Array, t: int, rate: float) -> Array:  # noqa: ARG001 - the state counts
            params, grads = (dict(zip(keys, tape.split(flat), strict=True)) for flat in (theta, g))
            after = space["update"](params, grads, state, **self._rate(rate))
            return tape.join([after[key] for key in keys])

        return step


def program(hypothesis: Hypothesis, style: Style, names: str = "paper") -> Program | None:
    r"""Write a rule with at most one mistake as a student's program.

    Parameters
    ----------
    hypothesis : Hypothesis
        The rule, and the mistake or none.
    style : {"function", "class", "dictionary"}
    names : str
        One of :data:`NAMES`.

    Returns
    -------
    Program or None
        None where a mistake cannot be made in that style, or two names would become one.

    Examples
    --------
    >>> made = program(Hypothesis("momentum"), "function")
    >>> print("\n".join(made.lines))
    def momentum(theta, g, velocity, learning_rate=0.01, momentum=0.9):
        velocity = momentum * velocity + g
        theta = theta - learning_rate * velocity
        return theta, velocity
    """
    code = hypothesis.codes[0] if hypothesis.codes else ""
    if hypothesis.statements is None or not can_be_made(code, style):
        return None
    special = code in _COUNTED | {"only-first-array"}
    statements = list(hypothesis.book.tree) if special else hypothesis.statements
    read = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    starts = {slot: hypothesis.book.starts.get(slot, 0.0) for slot in hypothesis.book.slots}
    starts |= {slot: start for v in hypothesis.variations for slot, start in v.slots.items()}
    numbers = {n: TELLING.get(n, v) if v == 0 else v for n, v in hypothesis.numbers.items() if n in read}
    begin = tuple(float(hypothesis.numbers[s] if isinstance(s, str) else s) for s in starts.values())
    spelled = {name: NAMES[names].get(name, name) for name in read | set(starts) | set(numbers) | {"theta", "g", "t"}}
    own = [name for key, name in spelled.items() if key not in ("np", "array_sum", "calls", "first_array")]
    if len(set(own)) < len(own) or (style == "class" and "step" in own):
        return None
    made = Program(hypothesis.rule, style, (), spelled, tuple(starts), begin, numbers, "t" in read)
    lines = {"function": _as_function, "class": _as_class, "dictionary": _as_dictionary}[style](made, statements, code)
    return Program(made.rule, style, tuple(lines), spelled, made.slots, begin, numbers, made.counts)


def can_be_made(code: str, style: Style) -> bool:
    """Whether a mistake can be made in a style: who does not loop over arrays forgets none of them.

    Examples
    --------
    >>> can_be_made("only-first-array", "class"), can_be_made("uphill", "class")
    (False, True)
    """
    if code in UNWRITTEN:
        return False
    return not ((code in _OF_ARRAYS and style != "dictionary") or (code in _COUNTED and style == "function"))


# Writing


def number_text(value: float) -> str:
    """Write a default as students do.

    Examples
    --------
    >>> [number_text(value) for value in (1e-08, 0.999, 1.0)]
    ['1e-8', '0.999', '1.0']
    """
    text = f"{value:g}".replace("e-0", "e-")
    return text if set(text) & set(".e") else f"{text}.0"


_CLASSES = {
    "adadelta": "AdaDelta", "adagrad": "AdaGrad", "adamax": "AdaMax", "adamw": "AdamW", "amsgrad": "AMSGrad",
    "nadam": "NAdam", "radam": "RAdam", "rmsprop": "RMSProp", "adabelief": "AdaBelief",
}  # fmt: skip


def _class_name(rule: str) -> str:
    return _CLASSES.get(rule) or "".join(part.capitalize() for part in rule.split("_"))


def _defaults(made: Program) -> str:
    return "".join(f", {made.names[name]}={number_text(value)}" for name, value in made.numbers.items())


def _signature(head: str, indent: str = "") -> list[str]:
    """Write a def, its arguments in further lines where one is not enough."""
    if len(indent + head) <= 76:
        return [indent + head]
    start = head.index("(") + 1
    lines, line = [], indent + head[:start]
    for piece in head[start:].split(", "):
        added = f"{piece}, "
        if len(line + added) > 76:
            lines.append(line.rstrip())
            line = indent + " " * start
        line += added
    return [*lines, line.removesuffix(", ")]


class _Spelled(ast.NodeTransformer):
    """Put the program's names in the place of the textbook's."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        made = ast.parse(self.names.get(node.id, node.id), mode="eval").body
        if isinstance(made, ast.Name | ast.Attribute | ast.Subscript):
            made.ctx = node.ctx
        return made


def _written(statements: list[ast.stmt], names: Mapping[str, str], indent: str) -> Iterator[str]:
    for statement in statements:
        copy = ast.parse(ast.unparse(statement)).body[0]
        yield from _broken(ast.unparse(_Spelled(names).visit(copy)), indent)


def _broken(line: str, indent: str) -> list[str]:
    """Break a line that is too long, after a comma or else at any blank, where Python reads it the same."""
    # A blank that is no blank to the wrapper: at first all but those after commas, then none.
    for solid in (line.replace(" ", "\x00").replace(",\x00", ", "), line):
        wrapped = textwrap.wrap(solid, WIDTH - len(indent), subsequent_indent="        ", break_long_words=False)
        pieces = [piece.replace("\x00", " ") for piece in wrapped]
        if max(map(len, pieces)) + len(indent) <= WIDTH and _reads_the_same("\n".join(pieces), line):
            return [indent + piece for piece in pieces]
    return [indent + line]


def _reads_the_same(text: str, line: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(line))
    except SyntaxError:  # broken outside of brackets
        return False


def _as_function(made: Program, statements: list[ast.stmt], code: str) -> list[str]:  # noqa: ARG001
    names = made.names
    slots = [names[slot] for slot in made.slots]
    arguments = [names["theta"], names["g"], *slots, *(["t"] if made.counts else [])]
    return [
        *_signature(f"def {made.rule}({', '.join(arguments)}{_defaults(made)}):"),
        *_written(statements, names, "    "),
        f"    return {', '.join([names['theta'], *slots])}",
    ]


def _as_class(made: Program, statements: list[ast.stmt], code: str) -> list[str]:
    names = dict(made.names)
    own = {name: f"self.{names[name]}" for name in (*made.slots, *made.numbers)} | {"t": "self.t"}
    first = 1 if code == "counted-from-two" else 0
    count = ["        self.t += 1"] if made.counts else []
    late = code == "counted-from-zero"
    return [
        f"class {_class_name(made.rule)}:",
        *_signature(f"def __init__(self{_defaults(made)}):", "    "),
        *(f"        {own[name]} = {names[name]}" for name in made.numbers),
        *(f"        {own[slot]} = {number_text(start)}" for slot, start in zip(made.slots, made.starts, strict=True)),
        *([f"        self.t = {first}"] if made.counts else []),
        "",
        f"    def step(self, {names['theta']}, {names['g']}):",
        *([] if late else count),
        *_written(statements, names | own, "        "),
        *(count if late else []),
        f"        return {names['theta']}",
    ]


def _as_dictionary(made: Program, statements: list[ast.stmt], code: str) -> list[str]:
    names = made.names
    first = 1 if code == "counted-from-two" else 0
    held = [f"'t': {first}"] if made.counts else []
    for slot, start in zip(made.slots, made.starts, strict=True):
        plus = f"{number_text(start)} + " if start else ""
        held.append(f"'{names[slot]}': {{k: {plus}np.zeros_like(params[k]) for k in params}}")
    counted = ["state['t'] += 1"] if made.counts else []
    inside, late = code == "counted-per-array", code == "counted-from-zero"
    places = ["params[k]", *(f"state['{names[slot]}'][k]" for slot in made.slots)]
    values = [names["theta"], *(names[slot] for slot in made.slots)]
    begin = (
        ["def start(params):", "    return {", *(f"        {piece}," for piece in held), "    }", ""] if held else []
    )
    return [
        *begin,
        *_signature(f"def update(params, grads, state{_defaults(made)}):"),
        *(f"    {line}" for line in counted if not inside and not late),
        "    for k in params:",
        *(f"        {line}" for line in counted if inside),
        f"        {names['theta']}, {names['g']} = params[k], grads[k]",
        *(f"        {value} = {place}" for value, place in zip(values[1:], places[1:], strict=True)),
        *_written(statements, {**names, "t": "state['t']"}, "        "),
        *(f"        {place} = {value}" for value, place in zip(values, places, strict=True)),
        *(f"    {line}" for line in counted if late),
        "        return params" if code == "only-first-array" else "    return params",
    ]
