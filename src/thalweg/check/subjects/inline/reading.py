"""A body read for its update: which names are parameters, gradients, memory, counters, and which lines move them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.flow import SELF, Leaf, leaves, reads_of
from thalweg.check.subjects.inline.gradients import Cut, cuts, is_slope, reads_without, shows_sign, sign_of
from thalweg.check.subjects.inline.passes import Passes
from thalweg.check.subjects.inline.surroundings import DATA, FUNCTION, NUMBER, ROWS, Surroundings
from thalweg.check.subjects.subject import CannotRun

_ASKED_AHEAD = "asks for its gradient ahead of the parameters; put the update into a function of them and a gradient"


@final
@dataclass(eq=False)
class Reading:
    """What a body is made of.

    Parameters
    ----------
    parameters, slopes, memory : list of str
        Names; ``slopes[k]`` is the gradient of ``parameters[k]``.
    counters : dict of str to float
        Names that count updates, and what they are at the first one.
    numbers : dict of str to float or None
        Hyperparameters that are no module's, with their values where they are known.
    kept : set of Leaf
        The statements of the update.
    cuts : list of (Leaf, Cut, str)
        Parts of expressions that a gradient stands for, and its name.
    negative : set of str
        Gradients whose names hold the negative.
    parts : dict of str to int
        To which of the parameters a piece of memory belongs.
    asked : list of ast.expr
        Where the gradient of each parameter is asked for, where that is ahead of it; else nothing.
    sure : bool
        Whether the text shows which of them are negative.
    """

    parameters: list[str]
    slopes: list[str]
    memory: list[str]
    counters: dict[str, float]
    numbers: dict[str, float | None]
    kept: set[Leaf]
    cuts: list[tuple[Leaf, Cut, str]] = field(default_factory=list)
    negative: set[str] = field(default_factory=set)
    parts: dict[str, int] = field(default_factory=dict)
    asked: list[ast.expr] = field(default_factory=list)
    sure: bool = True


def read(
    body: Sequence[ast.stmt],
    around: Surroundings,
    targets: Sequence[tuple[str, float]],
    given: Iterable[str] = (),
) -> Reading | None:
    """Return what a body is made of; None where there is no update of parameters by gradients in it.

    Parameters
    ----------
    body : sequence of ast.stmt
        Of a loop, or of a method.
    around : Surroundings
    targets : sequence of (str, float)
        Names that the loops around it count with, and where these begin.
    given : iterable of str
        Names that are gradients from the start: arguments of a method.

    Raises
    ------
    CannotRun
        There is one, and it cannot be followed.
    """
    return _Reader(Passes(body, around, dict(targets), frozenset(given))).reading()


@final
class _Reader:
    def __init__(self, passes: Passes) -> None:
        self.passes = passes
        self.cut: list[tuple[Leaf, Cut]] = []
        self.ahead: list[str] = []

    def reading(self) -> Reading | None:
        if not self.passes.carried:
            return None
        counters = self.passes.counters()
        parameters = self._parameters(counters)
        if not parameters:
            return None
        for leaf in self.passes.leaves:
            if leaf not in self.passes.forward and leaf.value is not None and self.passes.mixed(leaf):
                found = cuts(leaf.value, self.passes.tainted, self._steering)
                if found is None:
                    if leaf.writes & set(parameters):
                        raise CannotRun(f"makes the gradient of {min(leaf.writes)} amid its update", leaf.node.lineno)
                    continue
                self.cut += [(leaf, one) for one in found]
        return self._assembled(parameters, counters)

    def _steering(self, node: ast.AST) -> bool:
        """Whether an expression reads hyperparameters or memory, other than to hand them to functions of the data."""
        if isinstance(node, ast.Call) and self.passes.tainted(node.func):
            return False
        if isinstance(node, ast.Constant):
            return isinstance(node.value, float) and 0 < node.value < 1
        name = next(iter(reads_of(node)), None) if isinstance(node, ast.Name | ast.Attribute) else None
        if name is not None:
            if name in self.passes.carried:
                return words.role_of(name) == words.MEMORY or name not in self.parameters_found
            if name in self.passes.temporary:
                return name not in self.passes.made
            return self.passes.kind(name) == NUMBER
        return any(self._steering(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    # Who is who

    def _parameters(self, counters: dict[str, float]) -> list[str]:
        moved = [
            name
            for leaf in self.passes.leaves
            for name in leaf.writes
            if name in self.passes.carried and name not in counters and words.role_of(name) != words.GRADIENTS
        ]  # a gradient that is summed over a batch is no parameter
        moved = list(dict.fromkeys(moved))
        if self.passes.given:
            shown = self._read_elsewhere()
            roles = {name: words.role_of(name) for name in moved}
            found = [name for name in moved if name in shown and roles[name] != words.MEMORY]
            found = found or [name for name in moved if roles[name] == words.PARAMETERS]
            self.parameters_found = set(found)
            return found
        forward = frozenset().union(*(leaf.reads for leaf in self.passes.forward))
        inline: set[str] = set()
        for leaf in self.passes.leaves:
            if leaf not in self.passes.forward and leaf.value is not None and leaf.writes & self.passes.carried:
                beside = self.passes.around.through(frozenset(_beside_data(leaf.value, self.passes.tainted)))
                inline |= self.passes.behind(set(beside))
        asked = [name for name in moved if name in forward or name in inline]
        asked += [name for name in moved if name not in asked and words.role_of(name) == words.PARAMETERS]
        kept = [name for name in asked if words.role_of(name) == words.MEMORY]  # by its name; a line has a slope m
        others = [name for name in asked if name not in kept] or asked[:1]
        self.ahead = [
            name
            for name in kept
            if any(self._asked(other, others, {name}) is not None for other in others if other != name)
        ]
        self.parameters_found = set(asked) - set(self.ahead)
        return [name for name in asked if name in self.parameters_found]

    def _read_elsewhere(self) -> set[str]:
        """Return the attributes that other methods of the class read to predict."""
        found: set[str] = set()
        for method in self.passes.around.owner.body if self.passes.around.owner is not None else ():
            if (
                isinstance(method, ast.FunctionDef)
                and method not in self.passes.around.chain
                and method.name != "__init__"
            ):
                for leaf in leaves(method.body):
                    found |= leaf.reads - leaf.writes
        return found

    def _assembled(self, parameters: list[str], counters: dict[str, float]) -> Reading | None:
        named: dict[int, list[tuple[Cut, str]]] = {}
        for count, (leaf, cut) in enumerate(self.cut, start=1):
            named.setdefault(id(leaf), []).append((cut, f"gradient_{count}"))
        reads = {
            leaf: self._reads(leaf, named.get(id(leaf), []))
            for leaf in self.passes.leaves
            if leaf not in self.passes.forward
        }
        needed, kept = set(parameters), set[Leaf]()
        while True:
            more = {leaf for leaf in reads if leaf.writes & needed}
            more |= {leaf for leaf in reads if any(leaf.node in one.within for one in more)}
            if more <= kept:
                break
            kept |= more
            needed |= frozenset().union(*(reads[leaf] for leaf in kept))
        given = self.passes.made | {own for each in named.values() for _, own in each}
        read = dict.fromkeys(name for leaf in self.passes.leaves if leaf in kept for name in sorted(reads[leaf]))
        slopes = [name for name in read if name in given]
        memory = [n for n in sorted(needed & self.passes.carried) if n not in parameters and n not in counters]
        reached = {name: self._reached(name, parameters, kept, reads) for name in parameters}
        starts = {name for leaf in reads for name in leaf.writes & reads[leaf]}  # a step starts from where one is
        starts |= {name for name in parameters if name in self.passes.behind(set(frozenset().union(*(
            reads[leaf] for leaf in kept if name in leaf.writes))))}  # fmt: skip
        moved = [name for name in parameters if reached[name] & set(slopes) and name in starts]
        plain = {name for name in parameters if words.role_of(name) == words.PARAMETERS}
        if plain and moved and not plain & set(moved):
            raise CannotRun(_ASKED_AHEAD, self.passes.leaves[0].node.lineno)
        if moved != parameters:
            return self._assembled(moved, counters) if moved else None
        matched = self._matched(parameters, slopes, reached)
        if matched is None:
            if len(slopes) < len(parameters) and any(words.role_of(name) == words.MEMORY for name in parameters):
                raise CannotRun(_ASKED_AHEAD, self.passes.leaves[0].node.lineno)
            return None
        asked = [self._asked(name, parameters, set(self.ahead)) for name in parameters] if self.ahead else []
        reading = Reading(parameters, matched, memory, {}, {}, kept, asked=[one for one in asked if one is not None])
        if len(reading.asked) < len(asked) or set(self.ahead) - set(memory):
            raise CannotRun(_ASKED_AHEAD, self.passes.leaves[0].node.lineno)
        needed |= frozenset().union(*(reads_of(one) for one in reading.asked))
        self._find_outside(reading, needed, counters)
        for leaf in self.passes.leaves:
            reading.cuts += [(leaf, cut, name) for cut, name in named.get(id(leaf), []) if leaf in kept]
        self._find_signs(reading)
        reading.parts = self._parts(memory, parameters, reached)
        return reading

    def _find_outside(self, reading: Reading, needed: set[str], counters: dict[str, float]) -> None:
        """Put what the update reads from outside where it belongs."""
        for name in sorted(needed - self.passes.written - set(reading.slopes) - {SELF}):
            self._note(reading, name)
        reads = frozenset().union(*(leaf.reads for leaf in self.passes.leaves))
        unused = {name for name in reads - self.passes.written - needed if words.role_of(name) == "momentum"}
        unused |= self.passes.around.unread(words.RATE)
        for name in sorted(unused):  # a promise, whether it is kept or not
            if self.passes.kind(name) == NUMBER:
                reading.numbers[name] = self.passes.around.number(name)
        reading.counters |= {name: start for name, start in counters.items() if name in needed}
        if not reading.counters and self.passes.targets:  # what a bias correction that is missing would read
            name, start = list(self.passes.targets.items())[-1]
            if name not in self.passes.written:
                reading.counters[name] = start

    def _find_signs(self, reading: Reading) -> None:
        """Say which gradients are negative, and whether the text shows it."""
        own_leaves = [leaf for leaf in self.passes.leaves if leaf.writes <= self.passes.temporary]
        values = {name: leaf.value for leaf in own_leaves for name in leaf.writes if leaf.value is not None}
        for _, cut, name in reading.cuts:
            sign = 1
            for factor in cut.inside:
                sign *= sign_of(factor, values)
            if sign < 0:
                reading.negative.add(name)
        reading.negative |= {name for name in reading.slopes if name in values and name not in self.passes.given
                             and sign_of(values[name], {k: v for k, v in values.items() if k != name}) < 0}  # fmt: skip
        for name in reading.slopes:
            own = [part for _, cut, cut_name in reading.cuts if cut_name == name for part in cut.inside]
            own += [values[name]] if name in values else []
            shown = any(shows_sign(part, {k: v for k, v in values.items() if k != name}) for part in own)
            reading.sure &= shown or name in self.passes.given or (name in values and is_slope(name))

    def _asked(self, name: str, parameters: list[str], memory: set[str]) -> ast.expr | None:
        """Return the point ahead of a parameter, by some memory, where its gradient is asked for: ``w - mu * v``."""
        inside = [leaf.value for leaf in self.passes.forward if leaf.value is not None]
        inside += [part for _, cut in self.cut for part in cut.inside]
        made = self.passes.made | self._asked_for
        inside += [leaf.value for leaf in self.passes.leaves if leaf.writes & made and leaf.value is not None]
        known = self.passes.carried - set(parameters) | {name}
        for expression in inside:
            for part in ast.walk(expression):
                if not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.Add | ast.Sub):
                    continue
                reads = reads_of(part) - {SELF}
                plain = all(
                    one in known or (one not in self.passes.written and self.passes.kind(one) == NUMBER)
                    for one in reads
                )
                if plain and name in reads and reads & memory:
                    return part
        return None

    @property
    def _asked_for(self) -> frozenset[str]:
        """Names that are read to make a gradient inside an update."""
        own = frozenset().union(*(reads_of(part) for _, cut in self.cut for part in cut.inside))
        for leaf in self.passes.leaves:
            if leaf not in self.passes.forward and leaf.value is not None and leaf.writes & self.passes.carried:
                own |= _beside_data(leaf.value, self.passes.tainted)
        return own

    def _note(self, reading: Reading, name: str) -> None:
        """Put a name that the update reads from outside where it belongs."""
        if name in self.passes.targets:
            reading.counters[name] = self.passes.targets[name]
            return
        kind = self.passes.kind(name)
        if kind == ROWS:
            reading.numbers[name] = 1.0
        elif kind == NUMBER:
            reading.numbers[name] = self.passes.around.number(name)
        elif kind in (DATA, FUNCTION):
            raise CannotRun(f"the update reads {name}, which is made elsewhere", self.passes.leaves[0].node.lineno)

    def _reads(self, leaf: Leaf, own: list[tuple[Cut, str]]) -> frozenset[str]:
        if not own or leaf.value is None:
            return leaf.reads
        inside = reads_without(leaf.value, {cut.node for cut, _ in own})
        factors = frozenset().union(*(reads_of(f) for cut, _ in own for _, f in cut.factors))
        return inside | factors | leaf.kept | leaf.indices | {name for _, name in own}

    def _reached(
        self, name: str, parameters: list[str], kept: set[Leaf], reads: dict[Leaf, frozenset[str]]
    ) -> set[str]:
        """Return what a parameter's update depends on, without what belongs to other parameters."""
        found: set[str] = {name}
        while True:
            more = found.union(*(reads[leaf] for leaf in kept if leaf.writes & found & self.passes.written))
            more -= set(parameters) - {name}
            if more == found:
                return found - {name}
            found = more

    def _matched(self, parameters: list[str], slopes: list[str], reached: dict[str, set[str]]) -> list[str] | None:
        """Return the gradient of each parameter: by name, else the one that its update reads, else in order."""
        if not slopes:
            return None
        if len(parameters) == 1:
            own = [slope for slope in slopes if slope in reached[parameters[0]]]
            return own if len(own) == 1 else None
        known = {slope: words.stem(slope.removeprefix(f"{SELF}."), [p.removeprefix(f"{SELF}.") for p in parameters])
                 for slope in (*slopes, *self.passes.made)}  # fmt: skip
        matched: list[str] = []
        for name in parameters:
            plain = name.removeprefix(f"{SELF}.")
            own = [s for s in slopes if s in reached[name]]
            by_name = [
                s
                for s in (*slopes, *sorted(self.passes.made))
                if known[s] == plain and words.role_of(s) == words.GRADIENTS
            ]
            chosen = by_name[:1] or (own if len(own) == 1 else [])
            if not chosen:
                left = [s for s in slopes if s not in matched]
                chosen = left[:1] if len(slopes) == len(parameters) else []
            if not chosen or chosen[0] in matched:
                return None
            matched += chosen
        return matched

    def _parts(self, memory: list[str], parameters: list[str], reached: dict[str, set[str]]) -> dict[str, int]:
        if len(parameters) < 2:
            return {}
        plain = [name.removeprefix(f"{SELF}.") for name in parameters]
        parts = {}
        for count, name in enumerate(memory):
            known = words.stem(name.removeprefix(f"{SELF}."), plain)
            users = [k for k, p in enumerate(parameters) if name in reached[p]]
            parts[name] = plain.index(known) if known is not None else users[0] if users else count % len(parameters)
        return parts


def _beside_data(node: ast.AST, tainted: object) -> set[str]:
    """Return the names that stand in an expression beside data: in one product, or one call."""
    found: set[str] = set()
    for part in ast.walk(node):
        product = isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult)
        if (product or isinstance(part, ast.Call)) and callable(tainted) and tainted(part):
            found |= reads_of(part)
    return found
