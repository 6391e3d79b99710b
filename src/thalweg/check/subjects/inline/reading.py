"""A body read for its update: which names are parameters, gradients, memory, counters, and which lines move them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.flow import SELF, Leaf, leaves, reads_of
from thalweg.check.subjects.inline.gradients import Cut, cuts, reads_without, sign_of
from thalweg.check.subjects.inline.surroundings import DATA, FUNCTION, MODULE, NUMBER, ROWS, Surroundings
from thalweg.check.subjects.subject import CannotRun

_CHANCE = {"random", "rand", "randn", "permutation", "shuffle", "randint", "choice", "normal", "uniform"}
RATE_CHANGES = "changes its learning rate from update to update"
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
    return _Reader(body, around, dict(targets), frozenset(given)).reading()


@final
class _Reader:
    def __init__(
        self, body: Sequence[ast.stmt], around: Surroundings, targets: dict[str, float], given: frozenset[str]
    ) -> None:
        self.around, self.targets, self.given = around, targets, given
        self.leaves = [self._seen_through(leaf) for leaf in self._unscheduled(list(leaves(body)))]
        self.written = frozenset().union(*(leaf.writes for leaf in self.leaves))
        self.signals = {name for name in self._carried() if self._is_signal(name)}
        self.carried = self._carried() - self.signals
        self.temporary = self.written - self.carried
        self._kinds: dict[str, str] = {}
        self.forward: set[Leaf] = set()
        self.rows: set[str] = set(self.signals)
        self.cut: list[tuple[Leaf, Cut]] = []
        self.ahead: list[str] = []

    def _seen_through(self, leaf: Leaf) -> Leaf:
        """Return a statement with what the functions and methods that it calls read."""
        reads = self.around.through(leaf.reads)
        return leaf if reads == leaf.reads else replace(leaf, reads=reads)

    def _unscheduled(self, found: list[Leaf]) -> list[Leaf]:
        """Leave out what changes the rate now and then: a schedule, under a condition."""

        def schedules(leaf: Leaf) -> bool:
            rates = bool(leaf.writes) and all(words.role_of(name) == words.RATE for name in leaf.writes)
            return rates and bool(leaf.kept | leaf.reads & leaf.writes)

        for leaf in found:
            if schedules(leaf) and leaf.reads & set(self.targets):
                raise CannotRun(RATE_CHANGES, leaf.node.lineno)
        return [leaf for leaf in found if not schedules(leaf)]

    def reading(self) -> Reading | None:
        if not self.carried:
            return None
        if not self.given:
            self._find_forward()
        self.made = frozenset().union(*(leaf.writes for leaf in self.forward)) | self.given
        inline = [leaf for leaf in self.leaves if leaf.writes & self.carried and leaf.value is not None]
        using = [*self.forward, *(leaf for leaf in inline if self._reads_data(leaf))]
        self.between = frozenset().union(*(leaf.reads for leaf in using)) & self.made - self.given
        counters = self._counters()
        parameters = self._parameters(counters)
        if not parameters:
            return None
        for leaf in self.leaves:
            if leaf not in self.forward and leaf.value is not None and self._mixed(leaf):
                found = cuts(leaf.value, self._tainted, self._steering)
                if found is None:
                    if leaf.writes & set(parameters):
                        raise CannotRun(f"makes the gradient of {min(leaf.writes)} amid its update", leaf.node.lineno)
                    continue
                self.cut += [(leaf, one) for one in found]
        return self._assembled(parameters, counters)

    # What is carried from one update to the next

    def _carried(self) -> frozenset[str]:
        seen: set[str] = set()
        carried: set[str] = set()
        for leaf in self.leaves:
            carried |= (leaf.reads & self.written) - seen
            if not any(isinstance(block, ast.If) for block in leaf.within):
                seen |= leaf.writes
        return frozenset(carried)

    def _is_signal(self, name: str) -> bool:
        """Whether a name goes back through the layers: it becomes a product of itself and their weights."""
        own = [leaf.value for leaf in self.leaves if name in leaf.writes]
        return all(value is not None and name in reads_of(value) and _multiplies(value) for value in own)

    def _counters(self) -> dict[str, float]:
        """Return names that are only ever counted up, with what they are in the first update."""
        found = {}
        for name in self.carried:
            own = [leaf for leaf in self.leaves if name in leaf.writes]
            if not all(_counts_up(leaf.node, name) for leaf in own):
                continue
            start = self.around.number(name)
            if start is not None:
                found[name] = start
        return found

    # The forward and the backward pass

    def _kind(self, name: str) -> str:
        if name not in self._kinds:
            self._kinds[name] = MODULE if name in self.targets else self.around.kind(name)
        return self._kinds[name]

    def _reads_data(self, leaf: Leaf) -> bool:
        free = leaf.reads - self.written - {SELF}
        if leaf.reads & self.rows or any(self._kind(name) in (DATA, FUNCTION) for name in free):
            return True
        return any(_by_chance(part) for part in ast.iter_child_nodes(leaf.node)) if leaf.value is not None else False

    def _find_forward(self) -> None:
        makes = [leaf for leaf in self.leaves if leaf.writes and leaf.writes <= self.temporary]
        while True:  # batches of rows are data as well
            self.forward = {leaf for leaf in makes if self._reads_data(leaf)}
            found = frozenset().union(*(leaf.writes for leaf in self.forward))
            rows = {name for name in found if not self._behind({name}) & self.carried}
            rows = self.signals | {name for name in rows if words.role_of(name) != words.GRADIENTS}
            if rows == self.rows:
                break
            self.rows = rows
        while True:
            between = frozenset().union(*(leaf.reads for leaf in self.forward)) & self.temporary
            made = frozenset().union(*(leaf.writes for leaf in self.forward))
            more = {leaf for leaf in makes if leaf.writes & between or self._passes_on(leaf, made, between)}
            if more <= self.forward:
                break
            self.forward |= more

    def _passes_on(self, leaf: Leaf, made: frozenset[str], between: frozenset[str]) -> bool:
        """Whether a statement goes on with what the passes made, or gives a gradient of theirs a name."""
        if leaf.reads & made & between:
            return True
        named = isinstance(leaf.value, ast.Subscript | ast.Name | ast.Attribute | ast.Tuple)
        slopes = all(words.role_of(name) == words.GRADIENTS for name in leaf.writes)
        return named and slopes and bool(leaf.reads) and leaf.reads <= made

    def _mixed(self, leaf: Leaf) -> bool:
        return bool(leaf.value is not None and self._tainted(leaf.value) and not leaf.reads & self.given)

    def _tainted(self, node: ast.AST) -> bool:
        for name in reads_of(node) - {SELF}:
            outside = name not in self.written and self._kind(name) in (DATA, FUNCTION)
            if outside or name in self.between | self.rows:
                return True
        return _by_chance(node)

    def _steering(self, node: ast.AST) -> bool:
        """Whether an expression reads hyperparameters or memory, other than to hand them to functions of the data."""
        if isinstance(node, ast.Call) and self._tainted(node.func):
            return False
        if isinstance(node, ast.Constant):
            return isinstance(node.value, float) and 0 < node.value < 1
        name = next(iter(reads_of(node)), None) if isinstance(node, ast.Name | ast.Attribute) else None
        if name is not None:
            if name in self.carried:
                return words.role_of(name) == words.MEMORY or name not in self.parameters_found
            if name in self.temporary:
                return name not in self.made
            return self._kind(name) == NUMBER
        return any(self._steering(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    # Who is who

    def _parameters(self, counters: dict[str, float]) -> list[str]:
        moved = [name for leaf in self.leaves for name in leaf.writes if name in self.carried and name not in counters]
        moved = list(dict.fromkeys(moved))
        if self.given:
            shown = self._read_elsewhere()
            roles = {name: words.role_of(name) for name in moved}
            found = [name for name in moved if name in shown and roles[name] != words.MEMORY]
            found = found or [name for name in moved if roles[name] == words.PARAMETERS]
            self.parameters_found = set(found)
            return found
        forward = frozenset().union(*(leaf.reads for leaf in self.forward))
        inline: set[str] = set()
        for leaf in self.leaves:
            if leaf not in self.forward and leaf.value is not None and leaf.writes & self.carried:
                beside = self.around.through(frozenset(_beside_data(leaf.value, self._tainted)))
                inline |= self._behind(set(beside))
        asked = [name for name in moved if name in forward or name in inline]
        asked += [name for name in moved if name not in asked and words.role_of(name) == words.PARAMETERS]
        self.parameters_found = {name for name in asked if words.role_of(name) != words.MEMORY} or set(asked[:1])
        remembered = [name for name in asked if name not in self.parameters_found and name in forward | inline]
        self.ahead = remembered
        return [name for name in asked if name in self.parameters_found]

    def _behind(self, names: set[str]) -> set[str]:
        """Return names, and what those among them are made of that last for one update."""
        found = set(names)
        for leaf in reversed(self.leaves):
            if leaf.writes & found & self.temporary:
                found |= leaf.reads
        return found

    def _read_elsewhere(self) -> set[str]:
        """Return the attributes that other methods of the class read to predict."""
        found: set[str] = set()
        for method in self.around.owner.body if self.around.owner is not None else ():
            if isinstance(method, ast.FunctionDef) and method not in self.around.chain and method.name != "__init__":
                for leaf in leaves(method.body):
                    found |= leaf.reads - leaf.writes
        return found

    def _assembled(self, parameters: list[str], counters: dict[str, float]) -> Reading | None:
        named: dict[int, list[tuple[Cut, str]]] = {}
        for count, (leaf, cut) in enumerate(self.cut, start=1):
            named.setdefault(id(leaf), []).append((cut, f"gradient_{count}"))
        reads = {leaf: self._reads(leaf, named.get(id(leaf), [])) for leaf in self.leaves if leaf not in self.forward}
        needed, kept = set(parameters), set[Leaf]()
        while True:
            more = {leaf for leaf in reads if leaf.writes & needed}
            more |= {leaf for leaf in reads if any(leaf.node in one.within for one in more)}
            if more <= kept:
                break
            kept |= more
            needed |= frozenset().union(*(reads[leaf] for leaf in kept))
        given = self.made | {own for each in named.values() for _, own in each}
        read = dict.fromkeys(name for leaf in self.leaves if leaf in kept for name in sorted(reads[leaf]))
        slopes = [name for name in read if name in given]
        memory = [n for n in sorted(needed & self.carried) if n not in parameters and n not in counters]
        reached = {name: self._reached(name, parameters, kept, reads) for name in parameters}
        starts = {name for leaf in reads for name in leaf.writes & reads[leaf]}  # a step starts from where one is
        starts |= {name for name in parameters if name in self._behind(set(frozenset().union(*(
            reads[leaf] for leaf in kept if name in leaf.writes))))}  # fmt: skip
        moved = [name for name in parameters if reached[name] & set(slopes) and name in starts]
        if moved != parameters:
            return self._assembled(moved, counters) if moved else None
        matched = self._matched(parameters, slopes, reached)
        if matched is None:
            return None
        asked = [self._asked(name, parameters) for name in parameters] if self.ahead else []
        reading = Reading(parameters, matched, memory, {}, {}, kept, asked=[one for one in asked if one is not None])
        if len(reading.asked) < len(asked) or set(self.ahead) - set(memory):
            raise CannotRun(_ASKED_AHEAD, self.leaves[0].node.lineno)
        needed |= frozenset().union(*(reads_of(one) for one in reading.asked))
        for name in sorted(needed - self.written - set(matched) - {SELF}):
            self._note(reading, name)
        reading.counters |= {name: start for name, start in counters.items() if name in needed}
        if not reading.counters and self.targets:  # what a bias correction that is missing would read
            name, start = list(self.targets.items())[-1]
            if name not in self.written:
                reading.counters[name] = start
        for leaf in self.leaves:
            reading.cuts += [(leaf, cut, name) for cut, name in named.get(id(leaf), []) if leaf in kept]
        passes = [leaf for leaf in self.leaves if leaf.writes <= self.temporary]
        values = {name: leaf.value for leaf in passes for name in leaf.writes if leaf.value is not None}
        for _, cut, name in reading.cuts:
            sign = 1
            for factor in cut.inside:
                sign *= sign_of(factor, values)
            if sign < 0:
                reading.negative.add(name)
        reading.negative |= {name for name in matched if name in values and name not in self.given
                             and sign_of(values[name], {k: v for k, v in values.items() if k != name}) < 0}  # fmt: skip
        reading.parts = self._parts(memory, parameters, reached)
        return reading

    def _asked(self, name: str, parameters: list[str]) -> ast.expr | None:
        """Return the point ahead of a parameter at which its gradient is asked for: ``w - mu * v``."""
        inside = [leaf.value for leaf in self.forward if leaf.value is not None]
        inside += [part for _, cut in self.cut for part in cut.inside]
        inside += [leaf.value for leaf in self.leaves if leaf.writes & self.made | leaf.writes & self._asked_for
                   and leaf.value is not None]  # fmt: skip
        known = self.carried - set(parameters) | {name}
        for expression in inside:
            for part in ast.walk(expression):
                if not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.Add | ast.Sub):
                    continue
                reads = reads_of(part) - {SELF}
                plain = all(one in known or (one not in self.written and self._kind(one) == NUMBER) for one in reads)
                if plain and name in reads and reads & set(self.ahead):
                    return part
        return None

    @cached_property
    def _asked_for(self) -> frozenset[str]:
        """Names that are read to make a gradient inside an update."""
        return frozenset().union(*(reads_of(part) for _, cut in self.cut for part in cut.inside))

    def _note(self, reading: Reading, name: str) -> None:
        """Put a name that the update reads from outside where it belongs."""
        if name in self.targets:
            reading.counters[name] = self.targets[name]
            return
        kind = self._kind(name)
        if kind == ROWS:
            reading.numbers[name] = 1.0
        elif kind == NUMBER:
            reading.numbers[name] = self.around.number(name)
        elif kind in (DATA, FUNCTION):
            raise CannotRun(f"the update reads {name}, which is made elsewhere", self.leaves[0].node.lineno)

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
            more = found.union(*(reads[leaf] for leaf in kept if leaf.writes & found & self.written))
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
                 for slope in (*slopes, *self.made)}  # fmt: skip
        matched: list[str] = []
        for name in parameters:
            plain = name.removeprefix(f"{SELF}.")
            own = [s for s in slopes if s in reached[name]]
            by_name = [
                s for s in (*slopes, *sorted(self.made)) if known[s] == plain and words.role_of(s) == words.GRADIENTS
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


def _counts_up(node: ast.stmt, name: str) -> bool:
    """Whether a statement is ``t += 1`` or ``t = t + 1``."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and isinstance(node.value, ast.Constant) and node.value.value == 1
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add):
        sides = [node.value.left, node.value.right]
        return any(isinstance(s, ast.Constant) and s.value == 1 for s in sides) and name in reads_of(node.value)
    return False


def _multiplies(node: ast.AST) -> bool:
    """Whether an expression is a product with one of matrices in it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return False
    return any(
        isinstance(part, ast.MatMult) or (isinstance(part, ast.Attribute) and part.attr in ("dot", "matmul"))
        for part in ast.walk(node)
    )


def _by_chance(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr in _CHANCE for part in ast.walk(node))


def _beside_data(node: ast.AST, tainted: object) -> set[str]:
    """Return the names that stand in an expression beside data: in one product, or one call."""
    found: set[str] = set()
    for part in ast.walk(node):
        product = isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult)
        if (product or isinstance(part, ast.Call)) and callable(tainted) and tainted(part):
            found |= reads_of(part)
    return found
