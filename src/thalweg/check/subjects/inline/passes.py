"""The passes of a body: what is data, what is carried from one update to the next, what is made anew each time."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.flow import SELF, Leaf, leaves, reads_of
from thalweg.check.subjects.inline.surroundings import DATA, FUNCTION, MODULE, Surroundings
from thalweg.check.subjects.subject import CannotRun

RATE_CHANGES = "changes its learning rate from update to update"
_CHANCE = {"random", "rand", "randn", "permutation", "shuffle", "randint", "choice", "normal", "uniform"}


@final
class Passes:
    """The statements of a body, parted into those that make gradients of data and those that may be the update.

    Parameters
    ----------
    body : sequence of ast.stmt
    around : Surroundings
    targets : mapping
        Names that the loops around it count with, and where these begin.
    given : frozenset of str
        Names that are gradients from the start.

    Attributes
    ----------
    written, carried, temporary : frozenset of str
        Names that are given values; those of them that are read before; the others.
    forward : set of Leaf
        Statements of the forward and the backward pass.
    made, between : frozenset of str
        What these make, and what of it they read themselves.

    Raises
    ------
    CannotRun
        The rate is changed by a count, and kept.
    """

    def __init__(
        self, body: Sequence[ast.stmt], around: Surroundings, targets: dict[str, float], given: frozenset[str]
    ) -> None:
        self.around, self.targets, self.given = around, targets, given
        self.leaves = [self._seen_through(leaf) for leaf in self._unscheduled(list(leaves(body)))]
        self.written: frozenset[str] = frozenset().union(*(leaf.writes for leaf in self.leaves))
        self.signals = {name for name in self._carried() if self._is_signal(name)}
        self.carried = self._carried() - self.signals
        self.temporary = self.written - self.carried
        self._kinds: dict[str, str] = {}
        self.forward: set[Leaf] = set()
        self.rows: set[str] = set(self.signals)
        if not given:
            self._find_forward()
        self.made: frozenset[str] = frozenset().union(*(leaf.writes for leaf in self.forward)) | given
        inline = [leaf for leaf in self.leaves if leaf.writes & self.carried and leaf.value is not None]
        using = [*self.forward, *(leaf for leaf in inline if self._reads_data(leaf))]
        self.between = self._read_by(using) & self.made - given

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

    def counters(self) -> dict[str, float]:
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

    def kind(self, name: str) -> str:
        """Return what a name is that the body does not make."""
        if name not in self._kinds:
            self._kinds[name] = MODULE if name in self.targets else self.around.kind(name)
        return self._kinds[name]

    def _reads_data(self, leaf: Leaf) -> bool:
        free = leaf.reads - self.written - {SELF}
        if leaf.reads & self.rows or any(self.kind(name) in (DATA, FUNCTION) for name in free):
            return True
        return any(_by_chance(part) for part in ast.iter_child_nodes(leaf.node)) if leaf.value is not None else False

    def _find_forward(self) -> None:
        makes = [leaf for leaf in self.leaves if leaf.writes and leaf.writes <= self.temporary]
        while True:  # batches of rows are data as well
            self.forward = {leaf for leaf in makes if self._reads_data(leaf)}
            found = frozenset().union(*(leaf.writes for leaf in self.forward))
            rows = {name for name in found if not self.behind({name}) & self.carried}
            rows = self.signals | {name for name in rows if words.role_of(name) != words.GRADIENTS}
            if rows == self.rows:
                break
            self.rows = rows
        while True:
            between = self._read_by(self.forward) & self.temporary
            samples = {leaf.node for leaf in self.forward if isinstance(leaf.node, ast.For)}
            made = frozenset().union(*(leaf.writes for leaf in self.forward))
            more = {leaf for leaf in makes if leaf.writes & between or self._passes_on(leaf, made, between)}
            more |= {leaf for leaf in makes if leaf.writes & made or samples & set(leaf.within)}  # sums over samples
            if more <= self.forward:
                break
            self.forward |= more

    def _read_by(self, some: Iterable[Leaf]) -> frozenset[str]:
        """Return what statements read, apart from what they add to."""
        return frozenset().union(*(leaf.reads - leaf.writes for leaf in some))

    def _passes_on(self, leaf: Leaf, made: frozenset[str], between: frozenset[str]) -> bool:
        """Whether a statement goes on with what the passes made, or gives a gradient of theirs a name."""
        if leaf.reads & made & between:
            return True
        named = isinstance(leaf.value, ast.Subscript | ast.Name | ast.Attribute | ast.Tuple | ast.List)
        slopes = all(words.role_of(name) == words.GRADIENTS for name in leaf.writes)
        return named and slopes and bool(leaf.reads) and leaf.reads <= made

    def mixed(self, leaf: Leaf) -> bool:
        """Whether a statement of the update makes a gradient of data as well."""
        return bool(leaf.value is not None and self.tainted(leaf.value) and not leaf.reads & self.given)

    def tainted(self, node: ast.AST) -> bool:
        """Whether an expression reads data."""
        for name in reads_of(node) - {SELF}:
            outside = name not in self.written and self.kind(name) in (DATA, FUNCTION)
            if outside or name in self.between | self.rows:
                return True
        return _by_chance(node)

    def behind(self, names: set[str]) -> set[str]:
        """Return names, and what those among them are made of that last for one update."""
        found = set(names)
        for leaf in reversed(self.leaves):
            if leaf.writes & found & self.temporary:
                found |= leaf.reads
        return found


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
