"""Updates lifted out of a text: the same lines, under the same numbers, as the body of a function of their own."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.elements import apart, at_index
from thalweg.check.subjects.inline.flow import SELF, leaves, reads_of
from thalweg.check.subjects.inline.reading import RATE_CHANGES, Reading, read
from thalweg.check.subjects.inline.surroundings import Surroundings
from thalweg.check.subjects.subject import CannotRun

COUNTER = "step_count"
FUNCTION = "lifted_update"
Block = ast.For | ast.While | ast.FunctionDef


@final
@dataclass(frozen=True)
class Lifted:
    """An update as a function of a text of its own.

    Parameters
    ----------
    name : str
        The function or method in which it stands: ``train``, ``Perceptron.fit``; empty for a loop of the module.
    line : int
        Where it begins.
    text : str
        The whole text with the update as the function ``lifted_update``; its lines are those of the author.
    roles : tuple of (str, str, int or None)
        The arguments of the function: names, their parts, and to which of several arrays each belongs.
    inserted : tuple of (str, str)
        What stands in the text in the place of something else, and what that was.
    hint : str or None
        The rule that is promised beside it.
    returned : tuple of str
        What the function returns: parameters, memory, and where the next gradients are asked for.
    ahead : int
        How many of these are points ahead of the parameters, at the end.
    """

    name: str
    line: int
    text: str
    roles: tuple[tuple[str, str, int | None], ...]
    inserted: tuple[tuple[str, str], ...]
    hint: str | None
    returned: tuple[str, ...]
    ahead: int = 0

    def as_written(self, line: str) -> str:
        """Return a line of the text as its author would write it."""
        for new, old in self.inserted:
            line = line.replace(new, old)
        return re.sub(rf"\b{SELF}_(?=\w)", f"{SELF}.", line)


def lifted(text: str, name: str | None = None) -> tuple[Lifted, ...]:
    """Return the updates that stand inside loops and methods.

    Parameters
    ----------
    text : str
    name : str, optional
        The function, class or ``Class.method`` in which to look.

    Returns
    -------
    tuple of Lifted
        In the order of the text.

    Raises
    ------
    CannotRun
        There is one, and it cannot be followed, with the reason; and there is no other.
    """
    text, inserted = apart(text)
    tree = ast.parse(text)
    found: list[Lifted] = []
    taken: set[ast.stmt] = set()
    reason: CannotRun | None = None
    chains = [
        chain
        for chain in _chains(tree.body)
        if name is None or _called(chain) == name or _called(chain).startswith(f"{name}.")
    ]
    inner_first = sorted(chains, key=len, reverse=True)
    for lift in (
        _lift,
        _lift_walk,
    ):  # what walks through the arrays is read by itself where the loop around it cannot be
        for chain in inner_first:
            if any(one in taken for one in (*chain, *ast.walk(chain[-1]))):
                continue
            try:
                made = lift(text, tree, chain)
            except CannotRun as failure:
                reason = failure
                taken |= {chain[-1]} if failure.reason == RATE_CHANGES else set()
                continue
            if made is not None:
                taken.add(chain[-1])
                found.append(replace(made, inserted=(*made.inserted, *inserted)))
    if not found and reason is not None:
        raise reason
    return tuple(sorted(found, key=lambda one: one.line))


def _chains(body: list[ast.stmt], chain: tuple[ast.stmt, ...] = ()) -> Iterator[tuple[ast.stmt, ...]]:
    """Yield loops and methods, each with what it stands in."""
    for node in body:
        here = (*chain, node)
        method = isinstance(node, ast.FunctionDef) and bool(chain) and isinstance(chain[-1], ast.ClassDef)
        if isinstance(node, ast.For | ast.While) or method:
            yield here
        yield from _chains(getattr(node, "body", []), here)


def _called(chain: tuple[ast.stmt, ...]) -> str:
    owners = [node.name for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return ".".join(owners)


def _lift(text: str, tree: ast.Module, chain: tuple[ast.stmt, ...]) -> Lifted | None:
    block = chain[-1]
    around = Surroundings(tree, chain)
    given: list[str] = []
    if isinstance(block, ast.FunctionDef):
        if block.name == "__init__" or not block.args.args or block.args.args[0].arg != SELF:
            return None
        given = [a.arg for a in block.args.args[1:] if words.role_of(a.arg) == words.GRADIENTS]
        if not given:
            return None
    if isinstance(block, ast.For) and isinstance(block.target, ast.Name):
        written, old = at_index(text, block, block.target.id)
        if old:
            made = _lift_again(written, chain, drop=block.target.id)
            return made and replace(made, inserted=(*made.inserted, *old))
    return _lift_block(text, chain, around, given, list(_targets(chain, around)))


def _lift_again(text: str, chain: tuple[ast.stmt, ...], drop: str) -> Lifted | None:
    """Lift a loop over layers whose body is the update of one."""
    tree = ast.parse(text)
    again = next(one for one in _chains(tree.body) if [n.lineno for n in one] == [n.lineno for n in chain])
    around = Surroundings(tree, again)
    return _lift_block(text, again, around, [], [one for one in _targets(again, around) if one[0] != drop])


def _lift_walk(text: str, tree: ast.Module, chain: tuple[ast.stmt, ...]) -> Lifted | None:
    """Lift a loop that walks through parameters, gradients and memory together: ``for p, dp, mem in zip(...)``."""
    block = chain[-1]
    if not isinstance(block, ast.For) or not isinstance(block.target, ast.Tuple):
        return None
    names = [part.id for part in ast.walk(block.target) if isinstance(part, ast.Name)]
    given = [name for name in names if words.role_of(name) == words.GRADIENTS]
    return _lift_block(text, chain, Surroundings(tree, chain), given, []) if given else None


def _lift_block(
    text: str, chain: tuple[ast.stmt, ...], around: Surroundings, given: list[str], targets: list[tuple[str, float]]
) -> Lifted | None:
    block, tree = chain[-1], around.tree
    if not isinstance(block, Block):
        return None
    reading = read(block.body, around, targets, given)
    if reading is None:
        return None
    hints = [node.name for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    hints += [ast.get_docstring(node) or "" for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    hints += _comments(text, block)
    promised = [rule for rule in (words.promised(one.strip().partition("\n")[0]) for one in hints) if rule is not None]
    hint = next((rule for rule in promised if rule != "gradient_descent"), next(iter(promised), None))
    made = _Text(text, tree, chain, reading, around)
    name = _called(chain)
    returned = tuple(made.returned)
    return Lifted(
        name, block.lineno, made.text, tuple(made.roles), tuple(made.inserted), hint, returned, len(reading.asked)
    )


def _targets(chain: tuple[ast.stmt, ...], around: Surroundings) -> Iterator[tuple[str, float]]:
    """Yield what the loops count with, and where they begin."""
    for node in chain:
        if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Call):
            continue
        called = node.iter.func.id if isinstance(node.iter.func, ast.Name) else ""
        target = node.target
        if called == "enumerate" and isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]
            start: ast.expr | None = node.iter.args[1] if len(node.iter.args) > 1 else None
        elif called in ("range", "trange", "xrange", "tqdm"):
            inner = node.iter.args[0] if called == "tqdm" and node.iter.args else node.iter
            arguments = inner.args if isinstance(inner, ast.Call) else []
            start = arguments[0] if len(arguments) > 1 else None
        else:
            continue
        if isinstance(target, ast.Name):
            number = 0.0 if start is None else around._literal(start)
            if number is not None:
                yield target.id, number


def _comments(text: str, block: ast.stmt) -> list[str]:
    first, last = block.lineno, block.end_lineno or block.lineno
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return []
    return [t.string for t in tokens if t.type == tokenize.COMMENT and first <= t.start[0] <= last]


@final
class _Text:
    """The text in which an update is a function."""

    def __init__(
        self, text: str, tree: ast.Module, chain: tuple[ast.stmt, ...], reading: Reading, around: Surroundings
    ) -> None:
        self.lines, self.chain, self.reading, self.around = text.split("\n"), chain, reading, around
        self.block = chain[-1]
        assert isinstance(self.block, Block)  # noqa: S101 - what is lifted is a block
        self.inserted: list[tuple[str, str]] = []
        self.roles: list[tuple[str, str, int | None]] = []
        self.out = [""] * len(self.lines)
        self._keep_module(tree)
        for node in chain[:-1]:
            self._head(node, "if True:")
        self._body(self.block.body)
        self._define()
        self.text = "\n".join(self.out)

    def _keep_module(self, tree: ast.Module) -> None:
        outer = self.chain[0]
        self.of_module: set[str] = set()
        for node in tree.body:
            definition = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
            if node is not outer and (node.lineno < outer.lineno or definition):
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                self._copy(first, node.end_lineno or node.lineno)
                self.of_module |= frozenset().union(*(leaf.writes for leaf in leaves([node])))

    def _copy(self, first: int, last: int) -> None:
        self.out[first - 1 : last] = self.lines[first - 1 : last]

    def _head(self, node: ast.stmt, text: str) -> None:
        self.out[node.lineno - 1] = " " * node.col_offset + text

    def _indent(self, node: ast.stmt) -> str:
        line = self.lines[node.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    # The body

    def _body(self, body: list[ast.stmt]) -> None:
        kept = [leaf for leaf in leaves(body) if any(leaf.node is one.node for one in self.reading.kept)]
        self.kept_nodes = {leaf.node for leaf in kept} | {block for leaf in kept for block in leaf.within}
        self._block(body, outermost=True)
        self._edit()

    def _block(self, body: list[ast.stmt], *, outermost: bool = False) -> None:
        rows: dict[int, list[ast.stmt]] = {}
        for node in body:
            rows.setdefault(node.lineno, []).append(node)
        for line, nodes in rows.items():
            kept = [node for node in nodes if node in self.kept_nodes]
            if not kept:
                continue
            if len(kept) < len(nodes):  # several statements in one line
                source = "\n".join(self.lines)
                parts = [ast.get_source_segment(source, node) or "" for node in kept]
                if any("\n" in part for part in parts) or any(cut[0].node in kept for cut in self.reading.cuts):
                    raise CannotRun("several statements stand in one line", line)
                self.out[line - 1] = self._indent(nodes[0]) + "; ".join(parts)
                continue
            for node in kept:
                self._copy(node.lineno, node.end_lineno or node.lineno)
                self._prune(node)
                self._widen(node)
        if not outermost and not any(node in self.kept_nodes for node in body):
            self._head(body[0], "pass")

    def _prune(self, node: ast.stmt) -> None:
        """Leave out of a block what belongs to no update."""
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if not isinstance(inner, list) or not inner or inner[0].lineno == node.lineno:
                continue
            for part in inner:
                for line in range(part.lineno, (part.end_lineno or part.lineno) + 1):
                    self.out[line - 1] = ""
            self._block(inner)

    def _widen(self, node: ast.stmt) -> None:
        """Let a loop over a fixed number of parameters go over as many as there are."""
        if len(self.reading.parameters) > 1 or not isinstance(node, ast.For):
            return
        match node.iter:
            case ast.Call(ast.Name("range"), [ast.Constant(int() as count)], []):
                name = self.reading.parameters[0]
                made = self.around.values.get(name, [])
                if made and isinstance(made[0], ast.List) and len(made[0].elts) == count:
                    old = ast.get_source_segment("\n".join(self.lines), node.iter) or ""
                    new = f"range(len({_plain(name)}))"
                    at = node.lineno - 1
                    self.out[at] = self.out[at].replace(old, new, 1)
                    self.inserted.append((new, old))

    def _edit(self) -> None:
        """Put the name of a gradient where it was reckoned, and plain names for attributes."""
        source = "\n".join(self.lines)
        for _, cut, name in self.reading.cuts:
            node = cut.node
            if node.lineno != node.end_lineno:
                raise CannotRun("the gradient is reckoned over several lines", node.lineno)
            own = f"(-{name})" if name in self.reading.negative else name
            parts = [ast.get_source_segment(source, factor) or "" for _, factor in cut.factors]
            signs = [op for op, _ in cut.factors]
            wrapped = [p if isinstance(f, ast.Name | ast.Constant | ast.Attribute) else f"({p})"
                       for p, (_, f) in zip(parts, cut.factors, strict=True)]  # fmt: skip
            new = " * ".join([w for w, s in zip(wrapped, signs, strict=True) if s == "*"] + [own])
            new += "".join(f" / {w}" for w, s in zip(wrapped, signs, strict=True) if s == "/")
            old = ast.get_source_segment(source, node) or ""
            row = self.out[node.lineno - 1].encode()  # columns of a syntax tree are counted in bytes
            start, stop = node.col_offset, node.end_col_offset or 0
            if row[start:stop].decode(errors="replace") != old:
                raise CannotRun("several gradients are reckoned in one line", node.lineno)
            self.out[node.lineno - 1] = (row[:start] + new.encode() + row[stop:]).decode()
            self.inserted.append((_plain(new), old))
        for k, line in enumerate(self.out):
            if self.block.lineno <= k + 1 <= (self.block.end_lineno or 0):
                self.out[k] = re.sub(rf"\b{SELF}\.(?=\w)", f"{SELF}_", line)

    # The function

    def _define(self) -> None:
        reading, block = self.reading, self.block
        assert isinstance(block, Block)  # noqa: S101 - what is lifted is a block
        several = len(reading.parameters) > 1
        self.roles = [(_plain(n), words.PARAMETERS, k if several else None) for k, n in enumerate(reading.parameters)]
        self.roles += [(_plain(n), words.GRADIENTS, k if several else None) for k, n in enumerate(reading.slopes)]
        self.roles += [(_plain(n), words.MEMORY, reading.parts.get(n)) for n in reading.memory]
        arguments = [name for name, _, _ in self.roles]
        top = len(self.chain) == 1 or not any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in self.chain)
        before = [
            f"{_plain(n)} = -{_plain(n)}" for n in reading.slopes if n in reading.negative and "gradient_" not in n
        ]
        if reading.counters:
            arguments.append(COUNTER)
            self.roles.append((COUNTER, words.COUNT, None))
            self._count_as_written()
            before += [
                f"{_plain(n)} = {COUNTER}{start - 1:+g}".removesuffix("+0") for n, start in reading.counters.items()
            ]
        defaults = []
        for name, given in reading.numbers.items():
            value = self._layers(name) or given
            if top and value is not None and name in self.of_module and name not in self.targets_of_rows():
                continue  # the module has it
            role = words.role_of(name.removeprefix(f"{SELF}."))
            if value is None:
                arguments.append(_plain(name))
            else:
                defaults.append(f"{_plain(name)}={value!r}")
            self.roles.append((_plain(name), role or "", None))
        self._start(before)
        self._head(block, f"def {FUNCTION}({', '.join([*arguments, *defaults])}):")
        source = "\n".join(self.lines)
        asked = [ast.get_source_segment(source, one) or "" for one in reading.asked]
        if any("\n" in one for one in asked):
            raise CannotRun("the gradient is reckoned over several lines", reading.asked[0].lineno)
        self.returned = [*(_plain(n) for n in [*reading.parameters, *reading.memory]), *(_plain(one) for one in asked)]
        given_back = ", ".join(self.returned)
        first = block.body[0]
        indent = self._indent(first) if first.lineno != block.lineno else " " * (block.col_offset + 4)
        last = block.end_lineno or block.lineno
        made = f"{indent}return {given_back}"
        if last < len(self.out) and not self.out[last].strip():
            self.out[last] = made
        else:
            self.out.insert(last, made)

    def _count_as_written(self) -> None:
        """Note how the author would write the number of the update: by what the loop counts with."""
        name, start = next(iter(self.reading.counters.items()))
        if any(isinstance(node, ast.For) and name in reads_of(node.target) for node in self.chain):
            self.inserted.append((COUNTER, name if start == 1 else f"({name} {1 - start:+g})".replace("+", "+ ")))

    def _layers(self, name: str) -> float | None:
        """Return what a number of layers must be for those that are played, two, where one is counted to."""
        for node in self.kept_nodes:
            if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and name in reads_of(node.iter):
                match node.iter.args:
                    case [ast.Name(bound)] if bound == name:
                        return 2
                    case [ast.Constant(1), ast.Name(bound)] if bound == name:
                        return 3
        return None

    def targets_of_rows(self) -> set[str]:
        """Return the numbers that count rows: gradients are divided already."""
        return {name for name, value in self.reading.numbers.items() if self.around.kind(name) == "rows" and value == 1}

    def _start(self, before: list[str]) -> None:
        """Put statements in front of the body."""
        if not before:
            return
        assert isinstance(self.block, Block)  # noqa: S101 - what is lifted is a block
        body = self.block.body
        text = "; ".join(before)
        free = next((node for node in body if node not in self.kept_nodes and node.lineno != self.block.lineno), None)
        first = next(node for node in body if node in self.kept_nodes)
        if free is not None and free.lineno < first.lineno and not self.out[free.lineno - 1].strip():
            self.out[free.lineno - 1] = self._indent(free) + text
        elif isinstance(first, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr):
            indent = self._indent(first)
            self.out[first.lineno - 1] = f"{indent}{text}; {self.out[first.lineno - 1].lstrip()}"
            self.inserted.append((f"{text}; ", ""))
        else:
            raise CannotRun("there is no room for what the update begins with", first.lineno)


def _plain(name: str) -> str:
    return name.replace(f"{SELF}.", f"{SELF}_")
